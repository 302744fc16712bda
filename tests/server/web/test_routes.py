"""Every route states what it demands, and every role, token and stranger gets just that."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts
from nicegui import app as pages_app
from starlette.routing import BaseRoute, Mount

from server.accounts.permissions import SCOPES, TABLE, THIS_MACHINE, Permission, Role
from server.app import running
from server.web.security.demands import AskingFirst, Demand, requires
from server.web.security.rules import is_open
from tests.server.conftest import settings_in
from tests.server.web.site import HERE, URL, Site

WITHOUT_DEMAND = ("/static",)
"""What is mounted for everybody: style and icons."""


LINE = "WEBSOCKET"
"""In place of a method."""


@dataclass(frozen=True)
class Place:
    """A route and method, with what it demands; None: nothing but to be known."""

    method: str
    path: str
    demand: Permission | None

    @property
    def example(self) -> str:
        """A path that leads there."""
        return re.sub(r"\{[^}]*\}", "1", self.path)


def demands_of(dependant: Dependant) -> Iterator[Demand]:
    for each in dependant.dependencies:
        if isinstance(each.call, Demand):
            yield each.call
        yield from demands_of(each)


def places_of(routes: list[BaseRoute]) -> list[Place]:
    """Raises AssertionError naming a route that does not state exactly one demand."""
    places: list[Place] = []
    for context in iter_route_contexts(routes):
        route, path = context.original_route, context.path or ""
        if isinstance(route, Mount) and path.startswith(WITHOUT_DEMAND):
            continue
        assert isinstance(route, APIRoute | APIWebSocketRoute), (
            f"{route}: nobody knows who may call this"
        )
        found = list(demands_of(context.dependant))
        assert len(found) == 1, (
            f"{path}: expected one requires(...) or open_to_all(...), found {len(found)}"
        )
        methods = context.methods or [LINE]
        places += [Place(each, path, found[0].permission) for each in methods]
    # what ends the session comes last
    return sorted(places, key=lambda place: place.path == "/logout")


def is_turned_away(answer: httpx.Response) -> bool:
    """By the gate or the route's demand, not by what the route does with nonsense."""
    said = answer.text
    return "sign in first" in said or "this needs the permission" in said or "token is" in said


async def asked(browser: httpx.AsyncClient, place: Place) -> httpx.Response:
    """What comes back; of a WebSocket, what would come of its handshake."""
    if place.method == LINE:
        return await shaken_hands(browser, place.example)
    return await browser.request(place.method, place.example, json={})


async def shaken_hands(browser: httpx.AsyncClient, path: str) -> httpx.Response:
    """The handshake of a WebSocket as the browser would do it, at its application."""
    transport = browser._transport  # noqa: SLF001 - the same application and headers
    assert isinstance(transport, httpx.ASGITransport)
    headers = {"host": httpx.URL(browser.base_url).netloc.decode(), **dict(browser.headers)}
    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": path,
        "query_string": b"",
        "client": transport.client,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "extensions": {"websocket.http.response": {}},
    }
    gone = {"type": "websocket.disconnect", "code": 1000}
    incoming: list[dict[str, Any]] = [{"type": "websocket.connect"}]
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return incoming.pop() if incoming else gone

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    await transport.app(scope, receive, send)
    if said[0]["type"] == "websocket.accept":
        return httpx.Response(101)
    if said[0]["type"] == "websocket.close":  # the gate's, before the application
        return httpx.Response(401, headers={"www-authenticate": "Bearer"}, text="sign in first")
    return httpx.Response(said[0]["status"], content=said[1]["body"])


def test_a_route_without_a_demand_is_found() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/forgotten", lambda: "anybody gets this")
    with pytest.raises(AssertionError, match="/forgotten"):
        places_of(app.routes)
    twice = [requires(Permission.EXPORT), requires(Permission.CORRECT)]
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/unclear", lambda: "who?", dependencies=twice)
    with pytest.raises(AssertionError, match="/unclear"):
        places_of(app.routes)


def test_the_walk_meets_the_routes_there_are(site: Site) -> None:
    places = places_of(site.application().routes)
    paths = {place.path for place in places}
    assert {"/login", "/docs", "/metrics", "/health/detailed", "/api/v1/users"} <= paths
    assert "/analytics/realtime" in paths
    demanded = {place.demand for place in places}
    assert {None, Permission.SEE_SERVER, Permission.MANAGE_ACCOUNTS} <= demanded


async def test_strangers_get_only_what_is_open(site: Site) -> None:
    app = site.application()
    async with site.browser(app=app) as browser:
        for place in places_of(app.routes):
            answer = await asked(browser, place)
            assert is_turned_away(answer) is not is_open(place.path), (place, answer.text)
            if not is_open(place.path):
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("role", Role)
async def test_each_role_gets_what_the_table_says(site: Site, role: Role) -> None:
    app = site.application()
    session = await site.session(role)
    headers = {"cookie": f"sightpost_centre={session}", "origin": URL}
    async with site.browser(app=app, **headers) as browser:
        for place in places_of(app.routes):
            answer = await asked(browser, place)
            is_allowed = place.demand is None or place.demand in TABLE[role]
            assert is_turned_away(answer) is not is_allowed, (place, answer.text)
            if not is_allowed:
                assert answer.status_code == 403


async def test_whoever_may_not_is_turned_away_before_a_body_is_read(site: Site) -> None:
    read = 0

    async def pictures() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(4):
            read += 1
            yield b"x" * 65_536

    app = site.application()
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        demands = list(demands_of(context.dependant)) if isinstance(route, APIRoute) else []
        if isinstance(route, APIRoute) and route.body_field and demands[0].permission:
            assert isinstance(route, AskingFirst), route.path
    session = await site.session(Role.VIEWER)
    headers = {"cookie": f"sightpost_centre={session}", "origin": URL}
    async with site.browser(app=app, **headers) as browser:
        for path in ("/add_embedding", "/query", "/api/v1/persons", "/api/v1/faces/identify"):
            kind = {"content-type": "multipart/form-data; boundary=x"}
            answer = await browser.post(path, content=pictures(), headers=kind)
            assert answer.status_code == 403, path
            assert "this needs the permission" in answer.text
    assert read == 0


async def test_a_token_gets_what_its_scope_names_and_no_more(site: Site) -> None:
    app = site.application()
    for scope in (Permission.SEE_SERVER, Permission.EXPORT):
        token = await site.token(Role.ADMIN, scope)
        async with site.browser(app=app, authorization=f"Bearer {token}") as program:
            for place in places_of(app.routes):
                answer = await asked(program, place)
                is_allowed = place.demand in (None, scope)
                assert is_turned_away(answer) is not is_allowed, (place, scope, answer.text)


async def test_a_token_of_every_scope_does_not_touch_accounts(site: Site) -> None:
    app = site.application()
    token = await site.token(Role.ADMIN, *SCOPES)
    async with site.browser(app=app, authorization=f"Bearer {token}") as program:
        for place in places_of(app.routes):
            answer = await asked(program, place)
            is_allowed = place.demand is None or place.demand in SCOPES
            assert is_turned_away(answer) is not is_allowed, (place, answer.text)


async def test_this_machine_gets_what_an_operator_may_where_it_is_trusted(site: Site) -> None:
    site.trusts_this_machine = True
    app = site.application()
    async with site.browser(HERE, url="http://localhost:8080", app=app) as browser:
        for place in places_of(app.routes):
            answer = await asked(browser, place)
            is_allowed = place.demand is None or place.demand in THIS_MACHINE
            assert is_turned_away(answer) is not is_allowed, (place, answer.text)


@pytest.mark.parametrize(
    "headers",
    [
        {"x_forwarded_for": "192.0.2.7"},
        {"forwarded": "for=192.0.2.7"},
        {"via": "1.1 proxy"},
        {"x_real_ip": "127.0.0.1"},
    ],
)
async def test_who_comes_through_a_proxy_here_is_not_this_machine(
    site: Site, headers: dict[str, str]
) -> None:
    site.trusts_this_machine = True
    async with site.browser(HERE, url="http://localhost:8080", **headers) as browser:
        assert (await browser.get("/api/v1/me")).status_code == 401


async def test_where_it_is_not_trusted_this_machine_is_a_stranger(site: Site) -> None:
    async with site.browser(HERE, url="http://localhost:8080") as browser:
        assert (await browser.get("/api/v1/me")).status_code == 401


async def test_each_page_of_a_running_server_asks_for_its_permission(
    tmp_path: Path,
) -> None:
    async with running(settings_in(tmp_path, pages=True)) as server:
        # what NiceGUI itself serves is for whoever is known, which the gate sees to
        inner = ("/_nicegui", "/favicon.ico")
        places = places_of(
            [
                route
                for route in pages_app.routes
                if (path := getattr(route, "path", "")) and not path.startswith(inner)
            ]
        )
        assert {"/", "/sightings", "/users", "/audit"} <= {place.path for place in places}
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{server.web_port}",
            headers={"x-forwarded-for": "192.0.2.7"},
            timeout=60,
        ) as browser:
            for path in ("/_nicegui/x/static/nicegui.js", "/_nicegui_ws/socket.io/"):
                assert (await browser.get(path)).status_code == 401
            key = (server.setup_url or "").partition("key=")[2]
            form = {"key": key, "username": "root", "password": "correct horse battery"}
            admin = (await browser.post("/setup", data=form)).json()["access_token"]
            browser.cookies.clear()
            bearers = {Role.ADMIN: admin}
            for role in (Role.VIEWER, Role.OPERATOR):
                account = {"name": role.value, "password": form["password"], "role": role.value}
                await browser.post(
                    "/api/v1/users", json=account, headers={"authorization": f"Bearer {admin}"}
                )
                sign_in = {"username": role.value, "password": form["password"]}
                bearers[role] = (await browser.post("/login", json=sign_in)).json()["access_token"]
                browser.cookies.clear()
            for place in places:
                assert place.demand is not None, f"{place.path}: no page is for everybody"
                assert (await asked(browser, place)).status_code == 401
                for role, bearer in bearers.items():
                    browser.headers["authorization"] = f"Bearer {bearer}"
                    answer = await asked(browser, place)
                    is_allowed = place.demand in TABLE[role]
                    assert (answer.status_code == 403) is not is_allowed, (place, role)
                del browser.headers["authorization"]


async def test_a_parameter_that_there_is_not_is_named_with_those_there_are(site: Site) -> None:
    token = await site.token(Role.ADMIN, *SCOPES)
    app = site.application()
    async with site.browser(app=app, authorization=f"Bearer {token}") as program:
        for path, known in (
            ("/api/v1/sightings?colour=red", ("plate", "from", "limit")),
            ("/api/v1/sightings/export?form=2026-08-01", ("format", "from", "evidence")),
            ("/api/v1/me?colour=red", ("takes none",)),
        ):
            answer = await program.get(path)
            assert answer.status_code == 400, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            said = answer.json()["detail"]
            assert "'colour'" in said or "'form'" in said
            assert all(each in said for each in known), said
        assert (await program.get("/api/v1/sightings?limit=2&camera=a&camera=b")).is_success
    async with site.browser(app=app) as stranger:
        assert (await stranger.get("/api/v1/sightings?colour=red")).status_code == 401


async def test_a_field_that_there_is_not_is_refused_in_every_body(site: Site) -> None:
    app = site.application()
    session = await site.session(Role.ADMIN)
    headers = {"cookie": f"sightpost_centre={session}", "origin": URL}
    paths = set()
    async with site.browser(app=app, **headers) as browser:
        for context in iter_route_contexts(app.routes):
            route = context.original_route
            path = context.path or ""
            if not (isinstance(route, APIRoute) and route.body_field and path.startswith("/api/")):
                continue
            (method,) = context.methods or ()
            is_form = isinstance(route.body_field.field_info, Form)
            wanted = {"nosuch": "1", **({"model": "sface@1"} if path.endswith("search") else {})}
            answer = await browser.request(
                *(method, re.sub(r"\{[^}]*\}", "1", path)),
                json=None if is_form else wanted,
                data=wanted if is_form else None,
            )
            assert answer.status_code == 400, (path, answer.text)
            assert "nosuch: there is no such field" in answer.json()["detail"], path
            paths.add(path)
        search = {"vector": [1.0, 0.0, 0.0], "model": "sface@1", "nosuch": 1}
        answer = await browser.post("/api/v1/faces/search", json=search)  # a way of its own
        assert "nosuch: there is no such field" in answer.json()["detail"]
    assert {"/api/v1/users", "/api/v1/persons", "/api/v1/watchlists"} <= paths


def test_each_route_is_built_once_before_a_request_comes(site: Site) -> None:
    """FastAPI builds those of a router that is included, a hundred here, anew and when they are
    first looked at: a quarter of a second in which no camera is answered."""
    routes = site.application().router.routes
    assert not [each for each in routes if hasattr(each, "original_router")]
    assert len([each for each in routes if isinstance(each, AskingFirst)]) > 80

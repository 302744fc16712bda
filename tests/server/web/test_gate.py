"""What stands before the application: where requests come from, how many, how large; headers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

import httpx
from fastapi import FastAPI

from server.accounts.permissions import Permission, Role
from server.web.pages.statics import add_statics
from server.web.security.gate import Gate
from server.web.security.pace import Pace
from server.web.security.rules import Door
from telemetry.request_meter import WENT_AWAY
from tests.server.accounts.conftest import PASSWORD
from tests.server.conftest import connections_to, when_free
from tests.server.web.site import FAR, HERE, URL, Site
from tests.telemetry.going_away import left_in_the_midst

HOME = "http://127.0.0.1:8080"
SIGNING_IN = {"username": "anna", "password": PASSWORD}


async def operator(site: Site, **headers: str) -> httpx.AsyncClient:
    session = await site.session(Role.OPERATOR)
    return site.browser(cookie=f"sightpost_centre={session}", **headers)


FROM_ELSEWHERE: Final[Sequence[dict[str, str]]] = (
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://centre.example:9000"},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site", "origin": URL},
)
LEADING_OUT: Final = (
    "/docs/../../server.db",
    "/docs/..%2f..%2fserver.db",
    "/docs/%2e%2e/%2e%2e/etc/passwd",
    "/docs/core.py",
    "/static/../server/config.py",
    "/static/%2e%2e/application.py",
    "/login/../api/v1/users",
    "/static/..%2fapi/v1/users",
    "//api/v1/users",
)


async def test_another_page_changes_nothing(site: Site) -> None:
    session = await site.session(Role.OPERATOR)
    for headers in FROM_ELSEWHERE:
        async with site.browser(cookie=f"sightpost_centre={session}", **headers) as browser:
            for path in ("/api/v1/me/tokens", "/login", "/logout"):
                answer = await browser.post(path, json=SIGNING_IN)
                assert answer.status_code == 403, (headers, path)
                assert "another web page" in answer.text


async def test_a_session_changes_nothing_without_saying_where_the_request_is_from(
    site: Site,
) -> None:
    asked = {"name": "a", "scopes": ["server:read"]}
    async with await operator(site) as browser:
        refused = await browser.post("/api/v1/me/tokens", json=asked)
        assert refused.status_code == 403
        assert "Origin" in refused.json()["detail"]
        made = await browser.post("/api/v1/me/tokens", json=asked, headers={"origin": URL})
        assert made.status_code == 201


async def test_another_page_cannot_take_anything_into_itself_but_may_link_here(
    site: Site,
) -> None:
    async with await operator(site, sec_fetch_site="cross-site") as browser:
        image = {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
        assert (await browser.get("/api/v1/me", headers=image)).status_code == 403
        frame = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
        assert (await browser.get("/api/v1/me", headers=frame)).status_code == 403
        link = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        assert (await browser.get("/api/v1/me", headers=link)).status_code == 200


async def test_a_name_that_was_made_to_point_here_opens_nothing(site: Site) -> None:
    site.trusts_this_machine = True
    async with site.browser(HERE, url="http://evil.example:8080") as browser:
        answer = await browser.get("/api/v1/me")
    assert answer.status_code == 421
    async with site.browser(HERE, url=HOME) as browser:
        assert (await browser.get("/api/v1/me")).json()["kind"] == "machine"


async def test_cors_is_closed(site: Site) -> None:
    ask = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    async with await operator(site) as browser:
        answers = [
            await browser.options("/api/v1/me", headers=ask),
            await browser.get("/api/v1/me", headers=ask),
            await browser.get("/login", headers=ask),
        ]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_bad_token_is_told_and_opens_nothing_even_here(site: Site) -> None:
    site.trusts_this_machine = True
    async with site.browser(HERE, url=HOME, authorization="Bearer wrong") as browser:
        answer = await browser.get("/api/v1/me")
    assert answer.status_code == 401
    assert "token is unknown" in answer.json()["detail"]


async def test_a_camera_s_token_opens_no_page(site: Site) -> None:
    token = await site.house.store.change(lambda book: book.new_setup_key())
    async with site.browser(authorization=f"Bearer {token}") as browser:
        assert (await browser.get("/api/v1/me")).status_code == 401


async def test_every_answer_has_the_headers(site: Site) -> None:
    async with await operator(site) as browser, site.browser() as stranger:
        page = {"accept": "text/html"}
        answers = [
            await browser.get("/api/v1/me"),
            await browser.get("/docs"),
            await browser.get("/docs/swagger-ui.css"),
            await browser.get("/nothing"),
            await browser.get("/api/v1/users"),
            await browser.get("/api/v1/users", headers=page),
            await stranger.get("/api/v1/me"),
            await stranger.get("/api/v1/me", headers=page),
            await stranger.get("/login"),
            await stranger.post("/login", json=SIGNING_IN),
            await stranger.post("/login", content=b"x" * 70_000),
            await stranger.post("/login", headers={"origin": "https://evil.example"}),
        ]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [200, 200, 200, 404, 403, 403, 401, 303, 200, 401, 413, 403]
    for answer in answers:
        headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"  # no-referrer: forms say Origin: null
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "server" not in headers


async def test_the_api_may_run_and_load_nothing(site: Site) -> None:
    async with await operator(site) as browser:
        answer = await browser.get("/api/v1/me")
    policy = answer.headers["content-security-policy"]
    assert policy == (
        "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    )


async def test_what_nobody_foresaw_is_told_with_the_headers_and_without_details(
    site: Site,
) -> None:
    app = site.application()

    @app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError("the secret is 42")

    session = await site.session(Role.VIEWER)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(FAR, 50123))
    async with httpx.AsyncClient(transport=transport, base_url=URL) as browser:
        answer = await browser.get("/broken", headers={"cookie": f"sightpost_centre={session}"})
    assert answer.status_code == 500
    assert "42" not in answer.text
    assert answer.json()["status"] == "error"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 10_000


async def test_a_body_that_is_too_large_is_refused_announced_or_not(site: Site) -> None:
    async with site.browser() as browser:
        announced = await browser.post("/login", content=b"x" * 70_000)
        counted = await browser.post("/login", content=chunks(7))
        nonsense = await browser.post("/login", content=b"x", headers={"content-length": "-1"})
        small = await browser.post("/login", content=chunks(2))
    assert announced.status_code == counted.status_code == nonsense.status_code == 413
    assert "at most 65536 bytes" in counted.json()["message"]
    assert small.status_code == 401


async def test_too_many_requests_are_answered_429(site: Site) -> None:
    app = FastAPI()
    app.get("/health/live")(lambda: "ok")
    app.add_middleware(
        Gate,
        register=site.house.store,
        door=Door(trusts_this_machine=False),
        pace=Pace(burst=3, a_second=0.01),
    )
    token = await site.token(Role.VIEWER, Permission.SEE_SERVER)
    async with site.browser(app=app) as browser, site.browser("192.0.2.8", app=app) as other:
        answers = [await browser.get("/health/live") for _ in range(5)]
        assert (await other.get("/health/live")).status_code == 200
        known = await browser.get("/health/live", headers={"authorization": f"Bearer {token}"})
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert 50 < int(answers[3].headers["retry-after"]) <= 100
    assert "content-security-policy" in answers[3].headers
    assert known.status_code == 200


async def test_no_path_leads_out_of_what_is_served(site: Site) -> None:
    token = await site.token(Role.VIEWER, Permission.SEE_SERVER)
    async with site.browser(authorization=f"Bearer {token}") as known, site.browser() as stranger:
        for path in LEADING_OUT:
            url = httpx.URL(URL).copy_with(raw_path=path.encode())
            answer = await known.get(url)
            assert answer.status_code in (403, 404), (path, answer.text)
            answer = await stranger.get(url)
            assert answer.status_code in (401, 404), (path, answer.text)


async def test_a_file_takes_nothing_and_says_so_without_naming_methods_that_there_are_not(
    site: Site,
) -> None:
    app = site.application()
    add_statics(app)
    async with site.browser(app=app) as stranger:
        answer = await stranger.post("/static/centre.css", headers={"origin": URL})
    assert answer.status_code == 405
    assert answer.json() == {"status": "error", "message": "Method Not Allowed"}
    assert answer.headers.get("allow") != ""


async def test_docs_need_nothing_from_elsewhere(site: Site) -> None:
    async with await operator(site) as browser:
        page = (await browser.get("/docs")).text
        script = await browser.get("/docs/swagger-ui-bundle.js")
        start = await browser.get("/docs/start.js")
        document = (await browser.get("/openapi.json")).json()
    assert "//" not in page.replace("<!doctype", "")
    assert len(script.content) > 500_000
    assert "SwaggerUIBundle" in start.text
    assert "/api/v1/users" in document["paths"]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


async def test_who_has_not_signed_in_on_this_machine_is_led_to_where_one_does(site: Site) -> None:
    site.trusts_this_machine = True
    page = {"accept": "text/html"}
    async with site.browser(address=HERE, host="127.0.0.1:8080") as stranger:
        refused = await stranger.get("/api/v1/users", headers=page)
    async with await operator(site) as browser:
        known = await browser.get("/api/v1/users", headers=page)
    assert (refused.status_code, known.status_code) == (303, 403)
    assert refused.headers["location"] == "/login?next=/api/v1/users"
    assert "Sign in" not in known.text


async def test_a_request_that_says_many_things_at_once_is_judged_by_the_worst(
    site: Site,
) -> None:
    raw = [("origin", URL), ("origin", "https://evil.example")]
    async with await operator(site) as browser:
        answer = await browser.post("/logout", headers=raw)
    assert answer.status_code == 403


async def test_a_disabled_database_is_told_as_such(site: Site) -> None:
    session = await site.session(Role.VIEWER)
    for connection in connections_to(site.house.path):  # the disk goes away
        when_free(connection.close)
    async with site.browser(cookie=f"sightpost_centre={session}") as browser:
        answer = await browser.get("/api/v1/me")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


async def test_who_goes_in_the_midst_of_a_body_is_no_fault_of_the_server(site: Site) -> None:
    statuses = await left_in_the_midst(site.application(), "/login", origin=URL, address=FAR)
    assert statuses == [WENT_AWAY]

"""What a route asks of its caller is held, in mounted applications too."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from server.accounts.contract import Caller, CallerKind
from server.accounts.permissions import TABLE, Permission, Role
from server.web.security.demands import CurrentCaller, open_to_all, requires
from server.web.security.forms import refused_page

NOBODY = Caller(kind=CallerKind.NOBODY, name="", address="192.0.2.7")
VIEWER = Caller(
    kind=CallerKind.USER,
    name="vera",
    address="192.0.2.7",
    permissions=TABLE[Role.VIEWER],
    role=Role.VIEWER,
)


def application() -> FastAPI:
    inner = FastAPI()

    @inner.get("/prune", dependencies=[requires(Permission.DELETE_DATA)])
    async def prune() -> str:
        return "gone"

    outer = FastAPI()

    @outer.get("/name", dependencies=[requires(Permission.SEE_SIGHTINGS)])
    async def name(caller: CurrentCaller) -> str:
        return caller.name

    @outer.get("/open", dependencies=[open_to_all("a test")])
    async def open_() -> str:
        return "open"

    outer.mount("/data", inner)
    return outer


async def asked(path: str, caller: Caller) -> tuple[httpx.Response, object]:
    state: dict[str, object] = {"caller": caller}
    app = application()

    async def with_caller(scope, receive, send) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        await app({**scope, "state": state}, receive, send)

    transport = httpx.ASGITransport(with_caller)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as browser:
        return await browser.get(path), state.get("refusal")


@pytest.mark.parametrize(
    ("path", "caller", "status"),
    [
        ("/open", NOBODY, 200),
        ("/name", NOBODY, 401),
        ("/name", VIEWER, 200),
        ("/data/prune", NOBODY, 401),
        ("/data/prune", VIEWER, 403),
    ],
)
async def test_who_may(path: str, caller: Caller, status: int) -> None:
    answer, refusal = await asked(path, caller)
    assert answer.status_code == status
    assert (refusal is not None) is (status >= 400)


async def test_a_refusal_names_what_is_missing() -> None:
    answer, _ = await asked("/data/prune", VIEWER)
    assert "data:delete" in answer.json()["detail"]


def test_the_page_says_in_a_sentence_what_is_missing_and_who_can_give_it() -> None:
    page = bytes(refused_page(403, Permission.SEE_WATCHLISTS.demand, sign_in=None).body).decode()
    assert "This needs the permission watchlists:read, to see what is watched for: an adm" in page
    assert "role." in page

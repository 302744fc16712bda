"""Each way that a connection fails has its name, from real sockets."""

from __future__ import annotations

import asyncio
import http
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from agent.errors import AddressRefused
from agent.uplink.dial import check_address, dial, is_loopback
from agent.uplink.link import LinkFailed, LinkFailure
from agent.uplink.settings import UplinkSettings
from server.app import running
from tests.agent.uplink.ingest import Ingest, serving
from tests.server.conftest import settings_in

Greet = Callable[[asyncio.Transport], None]


class Peer(asyncio.Protocol):
    """Does one thing to whoever connects, and then nothing."""

    def __init__(self, greet: Greet, gone: asyncio.Event) -> None:
        self._greet = greet
        self._gone = gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._greet(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._gone.set()


async def failure(url: str, *, open_timeout_s: float = 10.0) -> LinkFailed:
    settings = UplinkSettings(url=url, open_timeout_s=open_timeout_s)
    with pytest.raises(LinkFailed) as caught:
        await dial(settings, agent_version="0.1")
    return caught.value


@asynccontextmanager
async def listening(greet: Greet) -> AsyncIterator[str]:
    """A peer on a free port; leaving waits until its one connection is gone."""
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Peer(greet, gone), "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await asyncio.wait_for(gone.wait(), 5)


async def test_nothing_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert (await failure(f"ws://127.0.0.1:{port}/")).failure is LinkFailure.REFUSED
        assert (await failure(f"ws://localhost:{port}/")).failure is LinkFailure.REFUSED


async def test_peer_that_hangs_up() -> None:
    async with listening(lambda transport: transport.abort()) as url:
        assert (await failure(url)).failure is LinkFailure.RESET


async def test_peer_that_never_answers() -> None:
    async with listening(lambda transport: None) as url:
        assert (await failure(url, open_timeout_s=0.05)).failure is LinkFailure.TIMEOUT


@pytest.mark.parametrize(
    ("scheme", "expected"), [("ws", LinkFailure.PROTOCOL), ("wss", LinkFailure.NO_TLS)]
)
async def test_peer_that_speaks_something_else(scheme: str, expected: LinkFailure) -> None:
    def greet(transport: asyncio.Transport) -> None:
        transport.write(b"220 mail ready\r\n")
        transport.close()

    async with listening(greet) as url:
        assert (await failure(url.replace("ws", scheme))).failure is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, LinkFailure.UNAUTHORIZED),
        (403, LinkFailure.FORBIDDEN),
        (404, LinkFailure.NOT_FOUND),
        (429, LinkFailure.SERVER_ERROR),
        (500, LinkFailure.SERVER_ERROR),
        (503, LinkFailure.SERVER_ERROR),
        (418, LinkFailure.PROTOCOL),
    ],
)
async def test_http_status(status: int, expected: LinkFailure) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(http.HTTPStatus(status), "no")
        response.headers["Retry-After"] = "7"
        return response

    ingest = Ingest()
    async with serving(ingest, process_request=refuse):
        error = await failure(ingest.url)
    assert error.failure is expected
    assert error.retry_after_s == 7
    assert error.detail == f"the server answered HTTP {status}: no"


async def test_a_server_without_tls_is_not_taken_for_a_bad_line() -> None:
    async with serving(ingest := Ingest()):
        error = await failure(ingest.url.replace("ws:", "wss:"))
    assert error.failure is LinkFailure.NO_TLS
    assert "no TLS" in str(error)


async def test_pages_of_a_server_are_told_from_its_port_for_cameras(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path)) as server:
        error = await failure(f"ws://127.0.0.1:{server.web_port}/")
    assert error.failure is LinkFailure.PAGES
    assert "8765" in str(error)


async def test_markup_of_something_between_is_not_repeated() -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(http.HTTPStatus.FORBIDDEN, "<html>no</html>")
        del response.headers["Content-Type"]  # an assignment would add one
        response.headers["Content-Type"] = "text/html"
        return response

    async with serving(ingest := Ingest(), process_request=refuse):
        error = await failure(ingest.url)
    assert error.failure is LinkFailure.FORBIDDEN
    assert error.detail == "the server answered HTTP 403"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
def test_plaintext_stays_on_this_machine(host: str) -> None:
    check_address(UplinkSettings(url=f"ws://{host}:8765/"))


@pytest.mark.parametrize("host", ["server.example.org", "10.0.0.1", "[2001:db8::1]"])
def test_plaintext_beyond_this_machine_must_be_allowed(host: str) -> None:
    with pytest.raises(AddressRefused, match="UPLINK_ALLOW_PLAINTEXT"):
        check_address(UplinkSettings(url=f"ws://{host}:8765/"))
    check_address(UplinkSettings(url=f"ws://{host}:8765/", allow_plaintext=True))
    check_address(UplinkSettings(url=f"wss://{host}:8765/"))


def test_name_that_only_begins_like_loopback_is_not() -> None:
    assert not is_loopback("localhost.example.org")
    assert not is_loopback("127.0.0.1.example.org")


def test_address_that_is_none_is_refused() -> None:
    with pytest.raises(AddressRefused, match="expected ws://"):
        check_address(UplinkSettings(url="http://localhost/"))


def test_token_shows_in_no_repr() -> None:
    assert "hush" not in repr(UplinkSettings(url="ws://localhost/", token="hush"))

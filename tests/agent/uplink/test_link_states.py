"""Each way that there is no link: what status and log of a running sender say, and what to do."""

from __future__ import annotations

import asyncio
import contextlib
import http
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from agent.uplink.link import LinkFailure, LinkState
from tests.agent.uplink.conftest import SendersFactory, until
from tests.agent.uplink.ingest import Ingest, serving
from tests.end_to_end.certificates import authority_in, signed_by

Peer = Callable[[Path], AbstractAsyncContextManager[str]]


@asynccontextmanager
async def unknown_name(_: Path) -> AsyncIterator[str]:
    yield "ws://nowhere.invalid:8765/"  # RFC 6761: nobody has such a name


@asynccontextmanager
async def nobody(_: Path) -> AsyncIterator[str]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"ws://127.0.0.1:{unused.getsockname()[1]}/"


def raw(greet: Callable[[asyncio.StreamWriter], None]) -> Peer:
    """A peer that does one thing to whoever connects."""

    @asynccontextmanager
    async def peer(_: Path) -> AsyncIterator[str]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            greet(writer)
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.transport.abort()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

    return peer


def answering(status: int) -> Peer:
    @asynccontextmanager
    async def peer(_: Path) -> AsyncIterator[str]:
        def refuse(connection: ServerConnection, request: Request) -> Response:
            return connection.respond(http.HTTPStatus(status), "no")

        async with serving(ingest := Ingest(), process_request=refuse):
            yield ingest.url

    return peer


@asynccontextmanager
async def stranger_with_a_certificate(folder: Path) -> AsyncIterator[str]:
    made = signed_by(authority_in(folder, "authority"), folder, "server")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"wss://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@asynccontextmanager
async def no_name(_: Path) -> AsyncIterator[str]:
    yield "wss://sightpost..example/"


@pytest.mark.parametrize(
    ("peer", "failure", "advice"),
    [
        (unknown_name, LinkFailure.DNS, "DNS"),
        (no_name, LinkFailure.DNS, "DNS"),
        (nobody, LinkFailure.REFUSED, "start the server"),
        (raw(lambda writer: writer.transport.abort()), LinkFailure.RESET, "the line"),
        (raw(lambda writer: None), LinkFailure.TIMEOUT, "firewalls"),
        (raw(lambda writer: writer.write(b"220 mail\r\n")), LinkFailure.PROTOCOL, "the address"),
        (stranger_with_a_certificate, LinkFailure.TLS, "UPLINK_CA_FILE"),
        (answering(401), LinkFailure.UNAUTHORIZED, "AGENT_TOKEN"),
        (answering(403), LinkFailure.FORBIDDEN, "AGENT_DEVICE_ID"),
        (answering(404), LinkFailure.NOT_FOUND, "path"),
        (answering(429), LinkFailure.SERVER_ERROR, "its log"),
        (answering(500), LinkFailure.SERVER_ERROR, "its log"),
        (answering(503), LinkFailure.SERVER_ERROR, "its log"),
    ],
    ids=[
        "unknown name", "no name", "nobody listens", "reset", "silence", "another protocol", "TLS",
        "401", "403", "404", "429", "500", "503",
    ],
)  # fmt: skip
async def test_failure_is_named_with_advice_in_status_and_log(
    running: SendersFactory, tmp_path: Path, peer: Peer, failure: LinkFailure, advice: str
) -> None:
    patience_s = 0.3 if failure is LinkFailure.TIMEOUT else 10.0
    async with peer(tmp_path) as url:
        with capture_logs() as logs:
            async with running(
                url, open_timeout_s=patience_s, backoff_max_s=60.0, allow_plaintext=True
            ) as sender:
                await until(lambda: sender.status.link.state is LinkState.BACKING_OFF)
                status = sender.status.link.as_status()
        assert (status["state"], status["failure"]) == ("backing off", failure.label)
        assert advice in str(status["advice"])
        assert status["detail"]
        assert status["retry_at"]
        (said,) = [entry for entry in logs if entry["event"] == "no link"]
        assert said["failure"] == failure.label
        assert advice in said["reason"]


@pytest.mark.parametrize("key", ["ca_file", "client_cert"])
async def test_a_certificate_that_cannot_be_read_does_not_end_the_sender(
    running: SendersFactory, tmp_path: Path, key: str
) -> None:
    """It may be readable again soon: a renewal replaces certificate and key one after the other."""
    async with running("wss://127.0.0.1:9/", **{key: tmp_path / "gone.pem"}) as sender:
        await until(lambda: sender.status.link.state is LinkState.BACKING_OFF)
        link = sender.status.link
    assert link.failure is LinkFailure.CERTIFICATE
    assert f"UPLINK_{key.upper()}={tmp_path / 'gone.pem'}" in link.detail
    assert "readable" in link.advice

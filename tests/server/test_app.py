"""What keeps a server from starting, said before anything is touched."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import time
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from server.app import Pace, running
from server.config import ServerSettings
from server.errors import ConfigInvalid, StartRefused
from server.ingest.patience import Patience
from tests.server.cameras import classic_health
from tests.server.conftest import settings_in

ANYWHERE = "0.0.0.0"  # noqa: S104 (these servers refuse to start)


async def test_it_does_not_listen_to_all_the_world_unguarded(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, host=ANYWHERE)
    with pytest.raises(StartRefused) as refused:
        async with running(settings):
            pass
    for line in ("token create NAME", "SERVER_CLASSIC_NETWORKS=", "SERVER_HOST=127.0.0.1"):
        assert line in str(refused.value)
    assert not settings.db_path.exists()


async def test_networks_of_old_cameras_open_the_door(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, host=ANYWHERE, classic_networks="10.1.0.0/16")):
        pass


@pytest.mark.parametrize(
    ("key", "name"), [("port", "SERVER_PORT"), ("web_port", "SERVER_WEB_PORT")]
)
async def test_a_taken_port_is_named_and_none_other_is_used(
    tmp_path: Path, key: str, name: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        settings = settings_in(tmp_path, **{key: taken})
        with pytest.raises(StartRefused, match=f"{taken}.*{name}="):
            async with running(settings):
                pass
        assert not settings.db_path.exists()


async def test_two_servers_never_share_a_database(settings: ServerSettings) -> None:
    async with running(settings):
        with pytest.raises(StartRefused, match="in use by another server"):
            async with running(settings):
                pass
    async with running(settings):
        pass


async def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nothing", encoding="utf-8")
    settings = settings_in(tmp_path, tls_cert=tmp_path / "cert.pem", tls_key=tmp_path / "cert.pem")
    with pytest.raises(ConfigInvalid, match="SERVER_TLS_CERT"):
        async with running(settings):
            pass


class DeafPeer:
    """Shakes hands and is never heard of again: answers no ping and no close."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> DeafPeer:
        peer = cls(*await asyncio.open_connection("127.0.0.1", port))
        peer.writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert b"101" in await peer.reader.readuntil(b"\r\n\r\n")
        return peer


async def test_a_deaf_peer_does_not_hold_up_the_stop(settings: ServerSettings) -> None:
    async with running(settings) as server:
        peer = await DeafPeer.connect(server.ingest_port)
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 4.5
    peer.writer.close()


async def test_a_dead_line_is_dropped_and_a_quiet_one_is_not(settings: ServerSettings) -> None:
    pace = Pace(lines_s=0.05, patience=Patience(silent_s=0.4))
    async with running(settings, pace=pace) as server:
        peer = await DeafPeer.connect(server.ingest_port)
        async with connect(f"ws://127.0.0.1:{server.ingest_port}/", ping_interval=0.1) as quiet:
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.wait_for(peer.reader.read(), 5) == b""
            await quiet.send(json.dumps(classic_health()))
            assert json.loads(await quiet.recv())["status"] == "success"
    peer.writer.close()


async def test_cameras_connect_over_tls_where_there_is_a_certificate(
    tmp_path: Path, certificate: Path
) -> None:
    settings = settings_in(tmp_path, tls_cert=certificate, tls_key=certificate)
    trusting = ssl.create_default_context(cafile=certificate)
    async with (
        running(settings) as server,
        connect(f"wss://127.0.0.1:{server.ingest_port}/", ssl=trusting) as socket_,
    ):
        await socket_.send(json.dumps(classic_health()))
        assert json.loads(await socket_.recv())["status"] == "success"


async def test_one_camera_too_many_is_told_to_come_back(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, max_connections=1)) as server:
        address = f"ws://127.0.0.1:{server.ingest_port}/"
        async with connect(address) as first:
            await first.send(json.dumps(classic_health()))
            await first.recv()
            with pytest.raises(InvalidStatus) as refused:
                async with connect(address):
                    pass
    assert refused.value.response.status_code == 503
    assert int(refused.value.response.headers["Retry-After"]) > 0

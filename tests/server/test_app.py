"""What keeps a server from starting, said before anything is touched."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from server.app import running
from server.config import ServerSettings
from server.errors import ConfigInvalid, StartRefused
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

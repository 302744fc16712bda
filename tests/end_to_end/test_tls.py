"""The agent's dialling against a real server: private authorities, certificates, redirects."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from agent.uplink.dial import dial
from agent.uplink.link import LinkFailed, LinkFailure
from agent.uplink.settings import UplinkSettings
from server.app import running
from server.errors import ConfigInvalid
from tests.end_to_end.certificates import authority_in, signed_by
from tests.server.conftest import settings_in

UPLINK = UplinkSettings(url="ws://127.0.0.1:1/")


async def test_a_private_authority_is_trusted_only_where_it_is_named(tmp_path: Path) -> None:
    authority = authority_in(tmp_path, "authority")
    own = signed_by(authority, tmp_path, "server")
    settings = settings_in(tmp_path, tls_cert=own.certificate, tls_key=own.key)
    async with running(settings) as server:
        uplink = replace(UPLINK, url=f"wss://127.0.0.1:{server.ingest_port}/")
        with pytest.raises(LinkFailed) as failed:
            await dial(uplink, agent_version="1")
        assert failed.value.failure is LinkFailure.TLS
        trusting = replace(uplink, ca_file=authority.certificate)
        connection = await dial(trusting, agent_version="1")
        assert connection.subprotocol == "sightpost.v1"
        await connection.close()


async def test_where_the_server_wants_certificates_only_those_of_its_authority_get_in(
    tmp_path: Path,
) -> None:
    authority = authority_in(tmp_path, "authority")
    stranger = authority_in(tmp_path, "stranger")
    own = signed_by(authority, tmp_path, "server")
    camera = signed_by(authority, tmp_path, "camera")
    forged = signed_by(stranger, tmp_path, "forged")
    settings = settings_in(
        tmp_path,
        tls_cert=own.certificate,
        tls_key=own.key,
        tls_client_ca=authority.certificate,
    )
    async with running(settings) as server:
        bare = replace(
            UPLINK,
            url=f"wss://127.0.0.1:{server.ingest_port}/",
            ca_file=authority.certificate,
        )
        shown = replace(bare, client_cert=camera.certificate, client_key=camera.key)
        connection = await dial(shown, agent_version="1")
        await connection.close()
        for wrong in (bare, replace(bare, client_cert=forged.certificate, client_key=forged.key)):
            with pytest.raises(LinkFailed):
                await dial(wrong, agent_version="1")
        with pytest.raises(LinkFailed, match="UPLINK_CLIENT_CERT"):
            await dial(replace(shown, client_key=forged.key), agent_version="1")


async def test_a_wrong_authority_stops_the_start_by_name(tmp_path: Path) -> None:
    authority = authority_in(tmp_path, "authority")
    own = signed_by(authority, tmp_path, "server")
    with pytest.raises(ConfigInvalid, match="SERVER_TLS_CLIENT_CA needs TLS"):
        settings_in(tmp_path, tls_client_ca=authority.certificate)
    settings = settings_in(
        tmp_path, tls_cert=own.certificate, tls_key=own.key, tls_client_ca=own.key
    )
    with pytest.raises(ConfigInvalid, match="SERVER_TLS_CLIENT_CA="):
        async with running(settings):
            pass


async def test_the_token_does_not_follow_a_redirect() -> None:
    seen: list[str | None] = []

    async def never(_connection: ServerConnection) -> None:
        await asyncio.Event().wait()

    def elsewhere(_connection: ServerConnection, request: Request) -> Response | None:
        seen.append(request.headers.get("Authorization"))
        return None

    async with serve(never, "127.0.0.1", 0, process_request=elsewhere) as other:
        target = f"ws://127.0.0.1:{other.sockets[0].getsockname()[1]}/"

        def redirect(connection: ServerConnection, _request: Request) -> Response:
            response = connection.respond(HTTPStatus.FOUND, "over there\n")
            response.headers["Location"] = target
            return response

        async with serve(never, "127.0.0.1", 0, process_request=redirect) as first:
            port = first.sockets[0].getsockname()[1]
            uplink = replace(UPLINK, url=f"ws://127.0.0.1:{port}/", token="secret-token")
            assert "secret-token" not in repr(uplink)
            with pytest.raises(LinkFailed, match="302"):
                await dial(uplink, agent_version="1")
    assert seen == []

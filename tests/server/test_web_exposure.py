"""How browsers reach a running server: TLS beyond loopback, proxies, and who they say is asking."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import apsw
import httpx
import pytest

from server.account_side import accounts_in_sqlite
from server.accounts.lifetimes import Lifetimes
from server.app import running
from server.config import ServerSettings
from server.errors import StartRefused
from server.storage.adoption import prepare_database
from server.trial import try_running
from server.web_side import setup_path_of
from tests.server.conftest import connections_to, settings_in

BEYOND = "127.1"
"""Short for 127.0.0.1, which no rule here knows: to the server it is a place in the network."""
SET_UP = {"username": "root", "password": "correct horse battery"}


async def test_passwords_do_not_come_in_clear_text_from_the_network(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, web_host="0.0.0.0")  # noqa: S104 (it refuses to start)
    with pytest.raises(StartRefused) as refused:
        async with running(settings):
            pass
    for line in ("SERVER_TLS_CERT=", "SERVER_ALLOW_PLAINTEXT=true", "SERVER_WEB_HOST=127.0.0.1"):
        assert line in str(refused.value)
    assert not settings.db_path.exists()


async def test_browsers_come_over_tls_with_the_server_s_certificate(
    tmp_path: Path, certificate: Path
) -> None:
    settings = settings_in(tmp_path, web_host=BEYOND, tls_cert=certificate, tls_key=certificate)
    trusting = ssl.create_default_context(cafile=certificate)
    async with running(settings) as server, httpx.AsyncClient(verify=trusting) as browser:
        assert server.setup_url is not None
        assert server.setup_url.startswith(f"https://{BEYOND}:{server.web_port}/setup?key=")
        base = f"https://127.0.0.1:{server.web_port}"
        assert (await browser.get(f"{base}/api/v1/me")).status_code == 401
        key = server.setup_url.partition("key=")[2]
        made = await browser.post(f"{base}/setup", data={**SET_UP, "key": key})
        assert made.headers["set-cookie"].startswith("__Host-sightpost_centre=")
        assert (await browser.get(f"{base}/api/v1/me")).json()["role"] == "admin"


async def test_on_loopback_a_proxy_finds_plain_http_beside_tls_for_cameras(
    tmp_path: Path, certificate: Path
) -> None:
    settings = settings_in(tmp_path, tls_cert=certificate, tls_key=certificate)
    async with running(settings) as server, httpx.AsyncClient() as proxy:
        base = f"http://127.0.0.1:{server.web_port}"
        passed_on = {"x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "https"}
        key = (server.setup_url or "").partition("key=")[2]
        made = await proxy.post(f"{base}/setup", data={**SET_UP, "key": key}, headers=passed_on)
        assert "Secure" in made.headers["set-cookie"]
        session = {"authorization": f"Bearer {made.json()['access_token']}"}
        audited = await proxy.get(f"{base}/api/v1/audit", headers={**passed_on, **session})
        assert {entry["address"] for entry in audited.json()["entries"]} == {"192.0.2.7"}


async def test_this_machine_is_asked_for_a_token_where_the_settings_say_so(
    tmp_path: Path,
) -> None:
    async with (
        running(settings_in(tmp_path, local_tokens=True)) as server,
        httpx.AsyncClient() as program,
    ):
        answer = await program.get(f"http://127.0.0.1:{server.web_port}/api/v1/me")
        assert answer.status_code == 401


async def test_an_account_outlives_the_server_and_so_does_its_session(
    settings: ServerSettings,
) -> None:
    async with running(settings) as server, httpx.AsyncClient() as browser:
        key = (server.setup_url or "").partition("key=")[2]
        url = f"http://127.0.0.1:{server.web_port}/setup"
        session = (await browser.post(url, data={**SET_UP, "key": key})).json()["access_token"]
    async with running(settings) as server, httpx.AsyncClient() as browser:
        assert server.setup_url is None
        answer = await browser.get(
            f"http://127.0.0.1:{server.web_port}/api/v1/me",
            headers={"authorization": f"Bearer {session}"},
        )
        assert answer.json()["name"] == "root"


async def test_a_database_that_cannot_be_written_gives_no_link_and_stops_nothing(
    settings: ServerSettings,
) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    prepare_database(settings.db_path, zone_of=settings.zone_of, now=now)
    accounts = accounts_in_sqlite(settings.db_path, Lifetimes(), lambda: now)
    for each in connections_to(settings.db_path):
        each.set_busy_timeout(1)
    other = apsw.Connection(str(settings.db_path))
    other.execute("BEGIN IMMEDIATE")
    assert await setup_path_of(accounts) is None
    other.execute("ROLLBACK")
    other.close()
    assert str(await setup_path_of(accounts)).startswith("/setup?key=")
    await accounts.close()


async def test_the_trial_from_outside_knows_tls_and_strangers(
    tmp_path: Path, certificate: Path
) -> None:
    settings = settings_in(tmp_path, web_host=BEYOND, tls_cert=certificate, tls_key=certificate)
    async with running(settings) as server:
        there = settings_in(
            tmp_path,
            port=server.ingest_port,
            web_host=BEYOND,
            web_port=server.web_port,
            tls_cert=certificate,
            tls_key=certificate,
        )
        lines = await try_running(there)
    assert [line.partition(" ")[0] for line in lines] == ["SUCCESS", "SUCCESS"]
    assert f"https://{BEYOND}:{server.web_port}/health answers" in lines[1]

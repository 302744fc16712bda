"""Logging in over real HTTP, with a real password."""

from __future__ import annotations

import html
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from agent.outbox.durable import write_durably
from agent.web.errors import PasswordUnusable
from agent.web.password import PasswordFile
from guarding.lockout import FREE_FAILURES
from tests.agent.web.camera import Camera, running_camera

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "correct horse battery"
HTML = {"Accept": "text/html"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def locked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Camera]:
    folder = tmp_path_factory.mktemp("locked")
    async with running_camera(folder, password=PASSWORD, host="0.0.0.0") as running:  # noqa: S104 - told, not bound
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(locked: Camera) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=locked.url, timeout=20) as client:
        yield client


async def _log_in(client: httpx.AsyncClient, password: str, address: str = "") -> httpx.Response:
    headers = {"X-Forwarded-For": address} if address else {}
    return await client.post("/login", data={"password": password}, headers=headers)


async def test_a_stranger_is_sent_to_the_login_page(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/", headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "Password" in (await stranger.get("/login", headers=HTML)).text


async def test_logging_in_leads_to_the_page_that_was_asked_for(
    stranger: httpx.AsyncClient,
) -> None:
    asked = "/detection?search=a%20b&page=2"
    login = (await stranger.get(asked, headers=HTML)).headers["location"]
    shown = html.unescape((await stranger.get(login, headers=HTML)).text)
    assert f'name="next" value="{asked}"' in shown
    for wanted, place in ((asked, asked), ("//evil.example", "/")):
        fields = {"password": PASSWORD, "next": wanted}
        answer = await stranger.post("/login", data=fields)
        assert (answer.status_code, answer.headers["location"]) == (303, place)


@pytest.mark.parametrize("path", ["/api/detection_data", "/docs", "/video_feed", "/download/a.jpg"])
async def test_a_stranger_learns_nothing(stranger: httpx.AsyncClient, path: str) -> None:
    assert (await stranger.get(path)).status_code == 401


async def test_a_stranger_may_know_that_it_runs(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_the_operator_gets_in_acts_with_the_token_and_leaves(
    stranger: httpx.AsyncClient,
) -> None:
    answer = await _log_in(stranger, PASSWORD)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    page = (await stranger.get("/", headers=HTML)).text
    (token,) = re.findall(r'name="csrf-token" content="([^"]+)"', page)
    assert (await stranger.post("/api/health_check")).status_code == 403
    with_token = {"X-CSRF-Token": token}
    assert (await stranger.post("/api/health_check", headers=with_token)).status_code == 200
    assert (await stranger.post("/logout", headers=with_token)).status_code == 303
    assert (await stranger.get("/", headers=HTML)).status_code == 303


async def test_a_program_brings_the_password_itself(stranger: httpx.AsyncClient) -> None:
    for _ in range(2):
        answer = await stranger.get("/api/detection_stats", auth=("operator", PASSWORD))
        assert answer.status_code == 200
    posted = await stranger.post("/api/health_check", auth=("operator", PASSWORD))
    assert posted.status_code == 200
    for user, password in (("operator", "wrong password"), ("admin", PASSWORD), ("operator", "")):
        answer = await stranger.get("/api/detection_stats", auth=(user, password))
        assert answer.status_code == 401


async def test_an_address_that_fails_too_often_waits_even_with_the_right_password(
    stranger: httpx.AsyncClient,
) -> None:
    for _ in range(FREE_FAILURES):
        answer = await _log_in(stranger, "wrong password", "198.51.100.9")
        assert answer.status_code == 401
    answer = await _log_in(stranger, PASSWORD, "198.51.100.9")
    assert answer.status_code == 401
    assert "try again in" in answer.text
    assert (await _log_in(stranger, PASSWORD, "198.51.100.10")).status_code == 303


async def test_a_program_with_an_old_password_locks_nobody_out(stranger: httpx.AsyncClient) -> None:
    address = {"X-Forwarded-For": "203.0.113.77"}
    for _ in range(2 * FREE_FAILURES):
        answer = await stranger.get(
            "/api/detection_data", auth=("operator", "the one before"), headers=address
        )
        assert answer.status_code == 401
    assert (await _log_in(stranger, PASSWORD, address["X-Forwarded-For"])).status_code == 303


async def test_a_login_form_on_another_page_gets_nowhere(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.post(
        "/login", data={"password": PASSWORD}, headers={"Origin": "http://evil.example"}
    )
    assert answer.status_code == 403


async def test_another_password_ends_every_session(
    locked: Camera, stranger: httpx.AsyncClient
) -> None:
    await _log_in(stranger, PASSWORD)
    file = PasswordFile.beside(locked.settings.db_path)
    file.set("another password", write_durably)
    try:
        assert (await stranger.get("/", headers=HTML)).status_code == 303
        assert (await _log_in(stranger, "another password")).status_code == 303
    finally:
        file.set(PASSWORD, write_durably)


async def test_the_file_holds_a_hash_for_its_owner_alone(locked: Camera) -> None:
    file = PasswordFile.beside(locked.settings.db_path)
    content = file.path.read_text()
    assert content.startswith("$argon2id$")
    assert PASSWORD not in content
    assert file.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away: run as root")
async def test_a_password_set_by_root_can_be_read_by_the_folders_owner(tmp_path: Path) -> None:
    os.chown(tmp_path, 4321, 4322)
    file = PasswordFile(tmp_path / "lpr_data.db.password")
    file.set(PASSWORD, write_durably)
    facts = file.path.stat()
    assert (facts.st_uid, facts.st_gid, facts.st_mode & 0o777) == (4321, 4322, 0o600)


async def test_a_session_is_found_beside_other_programs_cookies(
    stranger: httpx.AsyncClient,
) -> None:
    assert (await _log_in(stranger, PASSWORD)).status_code == 303
    session = stranger.cookies["sightpost_session"]
    stranger.cookies.clear()
    cookies = f'theirs={{"a":1, "b":"c d"}}; sightpost_session={session}; x@y=1'
    answer = await stranger.get("/api/detection_data", headers={"Cookie": cookies})
    assert answer.status_code == 200


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
async def test_a_password_too_short_or_long_is_refused(locked: Camera, password: str) -> None:
    with pytest.raises(PasswordUnusable, match="8 to 200"):
        PasswordFile.beside(locked.settings.db_path).set(password, write_durably)


async def test_headers_keep_everything_foreign_out(stranger: httpx.AsyncClient) -> None:
    policy = (await stranger.get("/login")).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy

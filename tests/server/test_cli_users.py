"""Accounts on the command line, as it is typed, beside a running server."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from server.app import running
from tests.server.commands import Ended, started, typed
from tests.server.conftest import settings_in

AT = ("--db", "server.db")
PASSWORD = "correct horse battery"
FAR = {"x-forwarded-for": "192.0.2.7"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where commands are typed."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def user(*arguments: str, said: str = "") -> Ended:
    return typed("user", *arguments, *AT, said=said, COLUMNS="160")


async def test_accounts_are_made_listed_changed_and_shut(folder: Path) -> None:
    made = started(
        *("user", "add", "anna", "--role", "admin", "--stdin", "--full-name", "A. K.", *AT),
        folder=folder,
        said=PASSWORD,
    )
    assert made.code == 0, made.errors
    assert made.out == "anna can sign in, as admin.\n"
    async with (
        running(settings_in(folder)) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.web_port}", headers=FAR) as browser,
    ):
        assert server.setup_url is None
        await browser.post("/register", data={"username": "bert", "password": PASSWORD})
        assert user("approve", "bert", "--role", "operator").code == 0
        sign_in = {"username": "bert", "password": PASSWORD}
        session = (await browser.post("/login", data=sign_in)).json()
        assert session["role"] == "operator"
        assert (await browser.get("/api/v1/me")).json()["name"] == "bert"

        token = user("token", "bert", "grafana", "--scope", "server:read")
        assert "not shown again" in token.errors
        program = {"authorization": f"Bearer {token.out.strip()}"}
        assert (await browser.get("/metrics", headers=program)).status_code == 200
        assert (await browser.get("/api/v1/users", headers=program)).status_code == 403
        assert "grafana" in user("tokens").out
        assert user("revoke-token", "1").code == 0
        assert (await browser.get("/metrics", headers=program)).status_code == 401

        assert user("role", "bert", "viewer").code == 0
        assert (await browser.get("/api/v1/me")).json()["role"] == "viewer"
        changed = user("password", "bert", "--stdin", said="another horse battery")
        assert changed.code == 0, changed.errors
        assert (await browser.get("/api/v1/me")).status_code == 401
        assert user("disable", "bert").code == 0
        listed = user("list").out
        assert "disabled" in listed
        assert "A. K." in listed
        assert PASSWORD not in listed


def test_what_is_wrong_is_one_sentence_and_exit_code_2() -> None:
    assert user("add", "root", "--role", "admin", "--stdin", said=PASSWORD).out
    for arguments, said, words in (
        (("add", "anna", "--stdin"), "short", "a password of 5 characters"),
        (("disable", "nobody"), "", "there is no account 'nobody'"),
        (("disable", "root"), "", "the last admin"),
        (("token", "root", "x", "--scope", "accounts:manage"), "", "at least one scope"),
    ):
        failed = user(*arguments, said=said)
        assert failed.code == 2, failed
        assert failed.errors.startswith("ERROR ")
        assert words in failed.errors

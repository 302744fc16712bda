"""Accounts on the command line, as it is typed, beside a running server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx

from server.app import running
from tests.extent import long_runs
from tests.server.conftest import settings_in

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"
FAR = {"x-forwarded-for": "192.0.2.7"}


def typed(folder: Path, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "server", "user", *arguments, "--db", "server.db"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": "160"},
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@long_runs
async def test_accounts_are_made_listed_changed_and_shut(tmp_path: Path) -> None:
    made = typed(
        tmp_path, "add", "anna", "--role", "admin", "--stdin", "--full-name", "A. K.", said=PASSWORD
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout == "anna can sign in, as admin.\n"
    async with (
        running(settings_in(tmp_path)) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.web_port}", headers=FAR) as browser,
    ):
        assert server.setup_url is None
        await browser.post("/register", data={"username": "bert", "password": PASSWORD})
        assert typed(tmp_path, "approve", "bert", "--role", "operator").returncode == 0
        sign_in = {"username": "bert", "password": PASSWORD}
        session = (await browser.post("/login", data=sign_in)).json()
        assert session["role"] == "operator"
        assert (await browser.get("/api/v1/me")).json()["name"] == "bert"

        token = typed(tmp_path, "token", "bert", "grafana", "--scope", "server:read")
        assert "not shown again" in token.stderr
        program = {"authorization": f"Bearer {token.stdout.strip()}"}
        assert (await browser.get("/metrics", headers=program)).status_code == 200
        assert (await browser.get("/api/v1/users", headers=program)).status_code == 403
        assert "grafana" in typed(tmp_path, "tokens").stdout
        assert typed(tmp_path, "revoke-token", "1").returncode == 0
        assert (await browser.get("/metrics", headers=program)).status_code == 401

        assert typed(tmp_path, "role", "bert", "viewer").returncode == 0
        assert (await browser.get("/api/v1/me")).json()["role"] == "viewer"
        changed = typed(tmp_path, "password", "bert", "--stdin", said="another horse battery")
        assert changed.returncode == 0, changed.stderr
        assert (await browser.get("/api/v1/me")).status_code == 401
        assert typed(tmp_path, "disable", "bert").returncode == 0
        listed = typed(tmp_path, "list").stdout
        assert "disabled" in listed
        assert "A. K." in listed
        assert PASSWORD not in listed


def test_what_is_wrong_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    assert typed(tmp_path, "add", "root", "--role", "admin", "--stdin", said=PASSWORD).stdout
    for arguments, said, words in (
        (("add", "anna", "--stdin"), "short", "a password of 5 characters"),
        (("disable", "nobody"), "", "there is no account 'nobody'"),
        (("disable", "root"), "", "the last admin"),
        (("token", "root", "x", "--scope", "accounts:manage"), "", "at least one scope"),
    ):
        failed = typed(tmp_path, *arguments, said=said)
        assert failed.returncode == 2, failed
        assert failed.stderr.startswith("ERROR ")
        assert words in failed.stderr

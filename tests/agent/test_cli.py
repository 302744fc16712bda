"""The command line says what is wrong with a call, and how to write it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli import commands
from tests.agent.outbox.ends import asked, opened, settle
from tests.agent.outbox.sightings import plate

ROOT = Path(__file__).resolve().parents[2]


def agent(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DB_PATH": "lpr_data.db",
        "AGENT_IMAGES_DIR": "captured",
        "AGENT_DEVICE_ID": "cam-1",
        "UPLINK_BACKOFF_MAX_S": "1",
        "WEBSOCKET_SERVER_URL": "ws://127.0.0.1:9/",
        **settings,
    }
    command = [sys.executable, "-m", "agent", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_password_is_set_for_the_page_and_shown_nowhere(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agent", "password", "--stdin"],
        input="correct horse\n",
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DB_PATH": "db/lpr_data.db"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "lpr_data.db.password" in done.stdout
    assert "correct horse" not in done.stdout + done.stderr
    assert (tmp_path / "db" / "lpr_data.db.password").read_text().startswith("$argon2id$")


@pytest.mark.parametrize("command", ["run", "send", "check"])
def test_help_gives_a_flag_no_type(command: str) -> None:
    said = CliRunner().invoke(commands, [command, "--help"]).output
    assert "--help" in said
    assert "bool" not in said


def test_mistyped_keys_are_told_where_settings_are_shown(tmp_path: Path) -> None:
    done = agent(tmp_path, "settings", AGENT_REGION="eu", CHECKPIONT_ID="1")
    assert done.returncode == 0
    for said in ("AGENT_REGION in the environment", "did you mean AGENT_REGIONS?"):
        assert said in done.stderr
    assert "did you mean CHECKPOINT_ID?" in done.stderr


def test_a_short_password_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agent", "password", "--stdin"],
        input="short\n",
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "expected 8 to 200" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--resend"], "--resend --since 2026-03-04"),
        (["--since", "2026-03-04"], "go together"),
        (["--resend", "--since", "yesterday"], "is no time: expected 2026-03-04"),
    ],
)
def test_resend_without_a_time_is_refused_with_the_line_to_write(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = agent(tmp_path, "send", "--once", *arguments)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert not (tmp_path / "lpr_data.db").exists()


def test_resend_queues_acknowledged_rows(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.record_plate(plate(width=32))
        settle(outbox, acknowledged=1)
    done = agent(tmp_path, "send", "--once", "--resend", "--since", "2020-01-01")
    assert "acknowledged rows queued again" in done.stderr
    assert "1 rows wait" in done.stderr  # nobody listens at that port
    flags = asked(tmp_path / "lpr_data.db", "SELECT sent_to_server FROM detection_results")
    assert flags == [(0,)]


@pytest.mark.parametrize("option", ["--region", "--regions"])
def test_the_regions_of_read_are_named_either_way(option: str, tmp_path: Path) -> None:
    done = agent(tmp_path, "read", option, "eu,narnia", "a.jpg")
    assert done.returncode != 0
    assert "--region eu,narnia: " in done.stderr
    assert "'narnia' has no plate formats" in done.stderr
    assert "AGENT_REGIONS" not in done.stderr  # nobody set that


def test_setting_that_cannot_serve_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    """And a key that was mistyped is told."""
    settings = {"AGENT_PLATE_DETECTOR": "nonsense", "AGENT_REGION": "eu"}
    done = agent(tmp_path, "run", "--source", "synthetic:?vehicles=1", **settings)
    assert done.returncode == 2
    assert "AGENT_PLATE_DETECTOR=nonsense cannot be used" in done.stderr
    assert "did you mean AGENT_REGIONS?" in done.stderr
    assert not (tmp_path / "lpr_data.db").exists()


def test_password_without_a_terminal_says_how_to_give_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = CliRunner().invoke(commands, ["password"])
    assert (asked.exit_code, asked.output.count("\n")) == (2, 1)
    assert "--stdin" in asked.output

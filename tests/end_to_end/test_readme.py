"""Every command of README runs as it is written, and does what README says of it.

Only its folder `demo-data` is put elsewhere, so that a person's own demonstration is left alone,
and fewer vehicles pass than README's (all of them where `tests.extent` is asked for everything).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from agent.camera.factory import truth_of
from tests.end_to_end.programs import ROOT, rows_of, wait_until
from tests.extent import tries_everything

FINITE_DEMO = "./scripts/demo --until-end 'synthetic:?vehicles=20&seed=1'"
VEHICLES = 20 if tries_everything() else 6
AT_LEAST_RIGHT = VEHICLES - VEHICLES // 10


def commands_of(page: str) -> list[str]:
    """Each command of the page's `sh` blocks, continuation lines joined."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    joined = [block.replace("\\\n", " ") for block in blocks]
    commands: list[str] = []
    for block in joined:
        for line in block.splitlines():
            # A quoted query goes on over several lines.
            if commands and commands[-1].count('"') % 2:
                commands[-1] += f"\n{line}"
            elif line.strip():
                commands.append(line)
    return commands


README = commands_of((ROOT / "README.md").read_text(encoding="utf-8"))
ON_THEIR_OWN = {"./scripts/demo", "./scripts/test", FINITE_DEMO}
AFTERWARDS = [command for command in README if command not in ON_THEIR_OWN]


def environment(data: Path) -> dict[str, str]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return {**kept, "SIGHTPOST_DEMO_DATA": str(data)}


def run(command: str | Sequence[str], data: Path, timeout_s: float) -> str:
    text = command if isinstance(command, str) else " ".join(command)
    done = subprocess.run(
        ["bash", "-c", text.replace("demo-data", str(data))],
        cwd=ROOT,
        env=environment(data),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the output of the finite demonstration, its usual ports taken."""
    data = tmp_path_factory.mktemp("demo") / "data"
    with contextlib.ExitStack() as stack:
        for port in (8765, 8080):
            with contextlib.suppress(OSError):  # taken already
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
        return data, run(FINITE_DEMO.replace("vehicles=20", f"vehicles={VEHICLES}"), data, 400)


def test_readme_has_the_commands_that_these_tests_know() -> None:
    assert set(README) >= ON_THEIR_OWN
    assert len(AFTERWARDS) >= 4


def test_every_vehicle_is_on_the_server_once_with_its_picture(
    demonstration: tuple[Path, str],
) -> None:
    data, output = demonstration
    rows = rows_of(
        data / "server" / "db" / "websocket_server.db",
        "SELECT license_plate, image_status, image_sha256, substr(received_at, 1, 10) "
        "FROM lpr_detections",
    )
    truth = {passage.plate for passage in truth_of(f"synthetic:?vehicles={VEHICLES}&seed=1")}
    plates = [row[0] for row in rows]
    assert len(plates) == VEHICLES
    assert len(set(plates)) == VEHICLES
    assert len(truth.intersection(plates)) >= AT_LEAST_RIGHT
    assert {row[1] for row in rows} == {"present"}
    for _, _, sha256, day in rows:
        pictures = data / "server" / "db" / "pictures" / f"{day}.db"
        assert rows_of(pictures, f"SELECT 1 FROM pictures WHERE sha256 = '{sha256}'") == [(1,)]  # noqa: S608 - a digest
    assert re.search(r"http://127\.0\.0\.1:\d+/setup\?key=\S+", output)
    (port,) = re.findall(r"takes rows on ws://127\.0\.0\.1:(\d+)/", output)
    (web_port,) = re.findall(r"pages are on http://127\.0\.0\.1:(\d+)/", output)
    assert output.endswith(f"websocket_server.db --port {port} --web-port {web_port}\n")
    last_lines = "\n".join(output.splitlines()[-3:])
    assert "lpr_data.db" in last_lines
    assert "websocket_server.db" in last_lines


@pytest.mark.parametrize("command", AFTERWARDS)
def test_command_runs_on_what_the_demonstration_left(
    command: str, demonstration: tuple[Path, str]
) -> None:
    if command.startswith("sqlite3") and shutil.which("sqlite3") is None:
        pytest.skip("needs Debian's sqlite3: sudo apt-get install sqlite3, or --with-system")
    output = run(command, demonstration[0], 300)
    assert output.strip()
    if "agent read --json" in command:
        lines = [json.loads(line) for line in output.splitlines()]
        assert len(lines) == VEHICLES
        assert sum(bool(line["plates"]) for line in lines) >= VEHICLES // 2


def test_demo_without_end_stops_cleanly_on_ctrl_c(tmp_path: Path) -> None:
    data = tmp_path / "data"
    database = data / "server" / "db" / "websocket_server.db"
    with (tmp_path / "output").open("wb") as output:
        demo = subprocess.Popen(
            # What runs as a background job of a script ignores Ctrl-C, and so would its programs.
            ["env", "--default-signal=INT", "./scripts/demo"],
            cwd=ROOT,
            env=environment(data),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(
            lambda: bool(rows_of(database, "SELECT 1 FROM lpr_detections LIMIT 1")),
            what="a first sighting on the server",
            timeout_s=300,
        )
        demo.send_signal(signal.SIGINT)
        code = demo.wait(60)
    finally:
        if demo.poll() is None:
            programs = psutil.Process(demo.pid).children(recursive=True)
            demo.kill()
            demo.wait()
            for program in programs:
                with contextlib.suppress(psutil.NoSuchProcess):
                    program.kill()
    said = (tmp_path / "output").read_text(encoding="utf-8")
    assert code == 0, said
    assert "Server's database:" in said
    captured = rows_of(
        data / "agent" / "db" / "lpr_data.db", "SELECT message_id FROM detection_results"
    )
    stored = rows_of(database, "SELECT message_id FROM lpr_detections")
    assert set(stored) <= set(captured)
    assert len(set(stored)) == len(stored)


def test_scripts_test_runs_what_it_is_given(tmp_path: Path) -> None:
    """The whole suite would run itself in here without end: one module stands for it."""
    said = run("./scripts/test -q tests/guarding/test_origin.py", tmp_path, 300)
    assert " passed" in said

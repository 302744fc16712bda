"""`python -m agent check` as an operator runs it: before, beside and after an agent."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.end_to_end.programs import ROOT, installation, wait_until
from tests.extent import long_runs

WITHOUT_AN_AGENT = {
    *("camera", "plate reader", "models", "accelerator", "database", "evictions", "link"),
    *("clock", "disk", "memory", "cpu", "temperature", "agent"),
}


def _check(folder: Path, **settings: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Exit code, the whole answer, and each component's state."""
    done = subprocess.run(
        [sys.executable, "-m", "agent", "check", "--json"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout, done.stderr
    said = json.loads(done.stdout)
    return done.returncode, said, {one["component"]: one["status"] for one in said["checks"]}


def test_before_anything_is_configured_it_says_what_is_missing_and_makes_nothing(
    tmp_path: Path,
) -> None:
    code, said, states = _check(tmp_path)
    assert code == 1
    assert not said["agent_runs"]
    assert said["status"] == "FAIL"
    assert set(states) == WITHOUT_AN_AGENT
    assert states["camera"] == "FAIL"
    assert states["database"] == "WARN"
    assert states["plate reader"] in ("PASS", "WARN")  # a busy machine reads slowly
    assert list(tmp_path.iterdir()) == []


def test_a_corrupt_database_and_a_model_that_a_run_would_not_find_fail_and_nothing_is_changed(
    tmp_path: Path,
) -> None:
    database = tmp_path / "db" / "lpr_data.db"
    database.parent.mkdir()
    database.write_bytes(b"overwritten by something else " * 400)
    wrong = {"AGENT_SOURCE": "synthetic:", "AGENT_PLATE_DETECTOR": "no-such-model"}
    code, said, states = _check(tmp_path, **wrong)
    assert code == 1
    assert states["database"] == "FAIL"
    assert states["camera"] == "PASS"
    assert states["plate reader"] == "FAIL"
    assert "no-such-model" in str(said["checks"])
    assert [path.name for path in database.parent.iterdir()] == ["lpr_data.db"]


@long_runs
def test_an_agent_that_runs_is_asked_and_says_more_than_a_look_from_outside(
    tmp_path: Path,
) -> None:
    """By the command beside it, and by its own web port."""
    port = _free_port()
    answers: list[dict[str, Any]] = []

    def has_acknowledged() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            answers.append(json.load(answer))
        return bool(answers[-1]["sightings"]) and not answers[-1]["waiting"]

    with installation(tmp_path, AGENT_WEB_PORT=str(port)) as place:
        agent = place.start_agent("synthetic:?seed=4")
        wait_until(lambda: bool(place.captured()), what="a sighting")
        # A source of another name shows that the camera is not opened a second time.
        code, checked, states = _check(tmp_path, AGENT_SOURCE="v4l2:/dev/no-such-camera")
        assert code == 0
        assert checked["agent_runs"]
        assert {"pipeline", "sightings"} <= set(states)
        assert states["camera"] == "PASS"
        assert states["link"] == "WARN"
        assert f"process {agent.pid}" in str(checked["checks"])
        assert agent.poll() is None
        place.start_server()
        wait_until(has_acknowledged, what="a sighting that is acknowledged")
    said = answers[-1]
    assert said["status"] == "ok"
    assert said["source"] == "synthetic:?seed=4"
    assert said["frames"] > 0
    assert said["captured"] == said["acknowledged"] + said["refused"] + said["evicted"]
    link = {"state": "open", "failure": None, "detail": "", "advice": "", "retry_at": None}
    assert link.items() <= said["link"].items()
    assert said["latest_sightings"][0]["what"]
    assert said["pipeline"]["sightings"] >= 1


def _free_port() -> int:
    with socket.socket() as claimed:
        claimed.bind(("127.0.0.1", 0))
        return int(claimed.getsockname()[1])

"""The agent's own web port says what the agent does."""

from __future__ import annotations

import json
import socket
import urllib.request
from pathlib import Path
from typing import Any

from tests.end_to_end.programs import installation, wait_until


def _free_port() -> int:
    with socket.socket() as claimed:
        claimed.bind(("127.0.0.1", 0))
        return int(claimed.getsockname()[1])


def test_health_tells_frames_sightings_books_and_link(tmp_path: Path) -> None:
    port = _free_port()
    answers: list[dict[str, Any]] = []

    def has_acknowledged() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                answers.append(json.load(answer))
        except OSError:
            return False
        return bool(answers[-1]["sightings"]) and not answers[-1]["waiting"]

    with installation(tmp_path, AGENT_WEB_PORT=str(port)) as place:
        place.start_server()
        place.start_agent("synthetic:?seed=4")
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

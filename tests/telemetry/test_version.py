"""One version, said in two places."""

from __future__ import annotations

import tomllib
from pathlib import Path

from telemetry.version import VERSION


def test_the_programs_say_the_version_of_the_project() -> None:
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    assert tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"] == VERSION

"""A lock that names its holder and ends with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import AgentAlreadyRunning
from agent.lock import ProcessLock


def _lock(path: Path) -> ProcessLock:
    return ProcessLock(path, taken=lambda holder: AgentAlreadyRunning(f"process {holder} has it"))


def test_second_lock_names_the_holder_and_a_third_is_free_again(tmp_path: Path) -> None:
    path = tmp_path / "db" / "lpr_data.db.agent.lock"
    with _lock(path), pytest.raises(AgentAlreadyRunning, match=r"process [0-9]+ has it"):
        _lock(path).__enter__()
    with _lock(path):
        pass

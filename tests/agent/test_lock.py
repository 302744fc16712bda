"""A lock that names its holder and ends with it."""

from __future__ import annotations

import fcntl
import os
import resource
from pathlib import Path

import pytest

from agent.errors import AgentAlreadyRunning
from agent.lock import ProcessLock, holder_of


def _lock(path: Path) -> ProcessLock:
    return ProcessLock(path, taken=lambda holder: AgentAlreadyRunning(f"process {holder} has it"))


def test_second_lock_names_the_holder_and_a_third_is_free_again(tmp_path: Path) -> None:
    path = tmp_path / "db" / "lpr_data.db.agent.lock"
    with _lock(path), pytest.raises(AgentAlreadyRunning, match=r"process [0-9]+ has it"):
        _lock(path).__enter__()
    with _lock(path):
        pass


def test_the_holder_is_told_to_whoever_asks_without_taking_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lpr_data.db.sender.lock"
    assert holder_of(path) is None
    with _lock(path):
        assert holder_of(path) == str(os.getpid())
    assert holder_of(path) is None
    assert path.exists()


def test_lock_is_taken_beside_whoever_asks_for_its_holder_in_that_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lpr_data.db.sender.lock"
    asking = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(asking, fcntl.LOCK_SH)
    monkeypatch.setattr("agent.lock.time.sleep", lambda _: fcntl.flock(asking, fcntl.LOCK_UN))
    with _lock(path):
        assert holder_of(path) == str(os.getpid())
    os.close(asking)


def test_disk_that_takes_nothing_costs_the_holder_s_number_and_not_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lpr_data.db.sender.lock"
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
    try:
        for _ in range(2):
            with _lock(path), pytest.raises(AgentAlreadyRunning, match="process unknown has it"):
                _lock(path).__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))

"""The memory that this process is granted is found where the system notes it."""

from __future__ import annotations

from pathlib import Path

from vision.pool.control_group import group_limit_bytes
from vision.pool.memory import machine_memory_bytes


def test_the_tightest_group_around_this_process_counts(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/system.slice/agent.service\n", "ascii")
    inner = tmp_path / "sys/fs/cgroup/system.slice/agent.service"
    inner.mkdir(parents=True)
    (inner / "memory.max").write_text("max\n", "ascii")
    assert group_limit_bytes(tmp_path) is None
    (inner.parent / "memory.max").write_text("500000000\n", "ascii")
    assert group_limit_bytes(tmp_path) == 500_000_000
    (inner / "memory.max").write_text("300000000\n", "ascii")
    assert group_limit_bytes(tmp_path) == 300_000_000
    assert machine_memory_bytes(tmp_path) == 300_000_000  # models too
    (tmp_path / "sys/fs/cgroup/memory.max").write_text("200000000\n", "ascii")
    assert group_limit_bytes(tmp_path) == 200_000_000  # in a container


def test_without_control_groups_nothing_is_granted(tmp_path: Path) -> None:
    assert group_limit_bytes(tmp_path) is None

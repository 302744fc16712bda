"""A few sightings against a real server: every one is timed and acknowledged."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from benchmarks.promptness import measure
from benchmarks.server_process import ServerProcess


@pytest.mark.parametrize("is_alone", [False, True])
def test_each_sighting_is_acknowledged_and_timed(tmp_path: Path, is_alone: bool) -> None:
    told: list[None] = []
    with ServerProcess(tmp_path) as server:
        work = measure(
            tmp_path / "camera",
            server.port,
            rows=4,
            seed=1,
            is_alone=is_alone,
            told=lambda: told.append(None),
        )
        waits = asyncio.run(work)
    assert (waits.rows, len(told)) == (4, 5)
    assert 0 < waits.p50_ms <= waits.p99_ms <= waits.most_ms

"""The measurement of what stores carry runs on a real PostgreSQL and counts what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.local_postgres import QUICK, PostgresMissing, local_postgres
from benchmarks.scale import GROUP_ROWS, Task, groups, measured


def test_rows_of_two_processes_are_counted_together(tmp_path: Path) -> None:
    try:
        with local_postgres(options=QUICK) as server:
            rate = measured(tmp_path / "run", server.url(), 2, has_pictures=True, seconds=0.2)
    except PostgresMissing as error:
        pytest.skip(str(error))
    assert rate > 0


def test_no_two_rows_have_one_id(tmp_path: Path) -> None:
    tasks = [Task(tmp_path, "", number, False, 1.0) for number in range(2)]
    rows = [row for task in tasks for group in (groups(task),) for row in next(group)]
    assert len({row.id for row in rows}) == 2 * GROUP_ROWS
    assert len({(row.device_id, row.row.sequence) for row in rows}) == 2 * GROUP_ROWS

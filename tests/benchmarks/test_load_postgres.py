"""A year is loaded into PostgreSQL month by month, and the pages find it."""

from __future__ import annotations

import argparse
import asyncio
import itertools
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.load_history import UNTIL
from benchmarks.load_postgres import IDS_A_MONTH, ask_all, loaded, pieces
from benchmarks.local_postgres import QUICK, PostgresMissing, local_postgres
from tests.extent import whole_runs


def test_months_are_parts_of_one_history() -> None:
    found = pieces("", sightings=1200, cameras=2, months=12, health_days=1, seed=1)
    assert [each.plan.sightings for each in found] == [100] * 12
    assert found[-1].plan.until == UNTIL
    assert [each.plan.after for each in found] == [IDS_A_MONTH * number for number in range(12)]
    assert [each.plan.health_days for each in found] == [0] * 11 + [1]
    for earlier, later in itertools.pairwise(found):
        assert earlier.plan.until == later.month.begin


@whole_runs
def test_every_question_is_answered_from_what_was_loaded(tmp_path: Path) -> None:
    given = argparse.Namespace(
        sightings=600, cameras=3, months=2, health_days=1, seed=1, processes=2
    )
    try:
        with local_postgres(options=QUICK) as server:
            assert loaded(given, server.url(), Console(stderr=True)) == 600
            answers = asyncio.run(ask_all(server.url(), tmp_path, 2))
    except PostgresMissing as error:
        pytest.skip(str(error))
    assert {answer.page for answer in answers} == {"Overview", "Sightings", "Camera"}

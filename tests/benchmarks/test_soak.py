"""The soak's own judgement: what counts as growth, and what as a row that went wrong."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from benchmarks.machine import NotOnDisk, machine_of
from benchmarks.soak import TABLES, compare, growth_of
from benchmarks.trend import minute_medians, trend_of
from tests.extent import whole_runs

ROOT = Path(__file__).resolve().parents[2]
MB = 1_000_000


def _memory(*, minutes: int, mb_an_hour: float, seed: int) -> list[tuple[float, float]]:
    """A sawtooth with noise, as a garbage collector makes it, that rises as said."""
    rng = random.Random(seed)
    return [
        (at_s, (300 + rng.gauss(0, 2) + at_s % 40 / 10 + mb_an_hour * at_s / 3600) * MB)
        for at_s in range(0, minutes * 60, 2)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_memory_that_swings_without_rising_is_flat(seed: int) -> None:
    growth = growth_of(_memory(minutes=30, mb_an_hour=0, seed=seed))
    assert growth.minutes == 20
    assert growth.hourly.is_flat


@pytest.mark.parametrize("seed", range(3))
def test_a_small_leak_is_seen_through_the_swings(seed: int) -> None:
    growth = growth_of(_memory(minutes=30, mb_an_hour=12, seed=seed))
    assert not growth.hourly.is_flat
    assert growth.hourly.slope / MB == pytest.approx(12, abs=3)


def test_one_wild_figure_moves_the_slope_little() -> None:
    points = [(float(x), 2.0 * x) for x in range(20)]
    points[7] = (7.0, 1e9)
    assert trend_of(points).slope == pytest.approx(2.0)


def test_a_trend_needs_three_points() -> None:
    with pytest.raises(ValueError, match="at least 3"):
        trend_of([(0.0, 1.0), (1.0, 2.0)])


def test_a_minute_that_is_not_over_does_not_count() -> None:
    samples = [(float(at_s), 1.0) for at_s in range(150)]
    assert [minute for minute, _ in minute_medians(samples)] == [0.0, 1.0]


def _database(path: Path, tables: list[str], ids: list[str]) -> Path:
    connection = apsw.Connection(str(path))
    for table in tables:
        connection.execute(f"CREATE TABLE {table} (message_id TEXT)")
    insert = f"INSERT INTO {tables[0]} VALUES (?)"  # noqa: S608 - names of ours
    connection.executemany(insert, [(each,) for each in ids])
    connection.close()
    return path


@pytest.mark.parametrize(
    ("stored", "lost", "double", "unknown"),
    [
        (["a", "b"], 0, 0, 0),
        (["a"], 1, 0, 0),
        (["a", "b", "b"], 0, 1, 0),
        (["a", "b", "c"], 0, 0, 1),
    ],
)
def test_every_row_has_to_be_there_once(
    tmp_path: Path, stored: list[str], lost: int, double: int, unknown: int
) -> None:
    books = compare(
        _database(tmp_path / "camera.db", list(TABLES), ["a", "b"]),
        _database(tmp_path / "server.db", list(TABLES.values()), stored),
    )
    assert (books.lost, books.double, books.unknown) == (lost, double, unknown)
    assert books.balance == (stored == ["a", "b"])


@whole_runs
def test_a_run_of_seconds_starts_both_programs_and_loses_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.soak", "--minutes", "0.2", "--idle-seconds", "0",
         "--folder", str(_on_disk(tmp_path)), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )  # fmt: skip
    assert done.stdout, done.stderr
    books = json.loads(done.stdout)["books"]
    assert books["captured"] > 0
    assert (books["lost"], books["double"], books["unknown"]) == (0, 0, 0)


def _on_disk(tmp_path: Path) -> Path:
    """A benchmark refuses a file system in memory."""
    try:
        machine_of(tmp_path)
    except NotOnDisk as error:
        pytest.skip(str(error))
    return tmp_path

"""The benchmark of what metrics cost: figures that add up, and a whole run of few rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import metrics
from benchmarks.metrics import Pair, Scraper, outcome_of, pairs_within, share_of
from tests.extent import whole_runs


def test_shares_are_medians_of_pairs_with_an_interval_around_them() -> None:
    share = share_of([0.9, 1.0, 1.1, 1.0, 1.0])
    assert share.median == 1.0
    assert 0.9 <= share.low <= 1.0 <= share.high <= 1.1
    pairs = [
        Pair(rate_on=99.0, rate_off=100.0, cpu_us_on=51.0, cpu_us_off=50.0),
        Pair(rate_on=198.0, rate_off=200.0, cpu_us_on=51.0, cpu_us_off=50.0),
    ]
    scraper = Scraper(15.0)
    scraper.idle_cpu_ms += [6.0, 7.5, 9.0]
    outcome = outcome_of(10, pairs, 0.5, scraper)
    assert outcome.rate.median == pytest.approx(0.99)
    assert outcome.cpu.median == pytest.approx(1.02)
    assert outcome.meter_share == pytest.approx(0.01)
    assert outcome.scrape_cpu_ms == 7.5
    # 150 rows a second at 50 us are 7.5 ms of processor time in each second
    assert outcome.scrape_share(15.0) == pytest.approx(1 / 15)


@whole_runs
def test_whole_run_measures_both_and_scrapes_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics.main(rows=60, pairs=1, every_s=0.02, seed=1, folder=tmp_path, as_json=True)
    outcome = json.loads(capsys.readouterr().out)["outcome"]
    assert outcome["rows_per_s_on"] > 0
    assert outcome["rows_per_s_off"] > 0
    assert 0 < outcome["meter_us"] < 100
    assert outcome["scrapes"] > 0
    assert outcome["scrape_cpu_ms"] > 0
    assert outcome["first_scrape_ms"] > 0
    assert not list(tmp_path.iterdir())


def test_pairs_fill_the_time_and_do_not_exceed_it() -> None:
    now_s, took_s = 0.0, iter((30.0, 50.0, 40.0, 40.0, 40.0, 40.0, 40.0))
    orders: list[bool] = []

    def run(*, on_first: bool) -> Pair:
        nonlocal now_s
        now_s += next(took_s)
        orders.append(on_first)
        return Pair(rate_on=1.0, rate_off=1.0, cpu_us_on=1.0, cpu_us_off=1.0)

    assert len(list(pairs_within(250.0, run, lambda: now_s))) == 6
    assert now_s <= 250.0
    assert orders == [False, True] * 3

"""A small fleet against a real server: every figure is there and makes sense."""

from __future__ import annotations

from pathlib import Path

import uvloop

from benchmarks.fan_in import Plan, measure, site_of
from benchmarks.server_process import ServerProcess
from tests.extent import whole_runs
from tests.server.cameras import base64_of, jpeg


@whole_runs
def test_a_small_fleet_is_answered_dropped_and_back(tmp_path: Path) -> None:
    plan = Plan(cameras=20, rate=None, duration_s=1, seed=3)
    said: list[str] = []
    with ServerProcess(tmp_path) as server:
        outcome = uvloop.run(measure(server, plan, site_of(server, base64_of(jpeg())), said.append))
    first, peak, half, last = said
    assert (first, peak) == ("connecting", "sending as fast as they are answered")
    assert half.startswith("sending ")
    assert last == "all dropped at once"
    assert outcome.peak_rows_per_s is not None
    assert outcome.peak_rows_per_s > 20
    assert outcome.rows > 10
    assert outcome.failures == 0
    assert 0 < outcome.p50_ms <= outcome.p99_ms
    assert outcome.recovery_s > 0

"""A small fleet against a real server: every figure is there and makes sense."""

from __future__ import annotations

from pathlib import Path

import uvloop

from benchmarks.fan_in import Plan, measure, site_of
from benchmarks.server_process import ServerProcess
from tests.server.cameras import base64_of, jpeg


def test_a_small_fleet_is_answered_dropped_and_back(tmp_path: Path) -> None:
    plan = Plan(cameras=20, rate=200, duration_s=1, seed=3)
    said: list[str] = []
    with ServerProcess(tmp_path) as server:
        outcome = uvloop.run(measure(server, plan, site_of(server, base64_of(jpeg())), said.append))
    assert said == ["connecting", "sending", "all dropped at once"]
    assert outcome.rows > 50
    assert outcome.failures == 0
    assert 0 < outcome.p50_ms <= outcome.p99_ms
    assert outcome.recovery_s > 0

"""Real sender, real server, lines that are bad: every row arrives, none is sent twice.

The times are a twentieth of those outside, the rates twenty times: a picture of 45 KB needs as long
for the line, in proportion to everybody's patience, as over 64 kbit/s.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.uplink.settings import UplinkSettings
from benchmarks.bad_line import LEAST_TIMEOUT_S, Line
from benchmarks.bad_lines import KBPS, Case, half_open, measure, stalled

FASTER = 20
SETTINGS = UplinkSettings(
    url="",
    check_interval_s=0.2,
    backoff_max_s=1.0,
    answer_timeout_s=30 / FASTER,
    dead_after_s=30 / FASTER,
    ping_interval_s=10 / FASTER,
)
SLOW = Line(rate_bytes_s=64 * KBPS * FASTER)


@pytest.mark.parametrize(
    "case",
    [
        Case(name="64 kbit/s", rows=6, line=SLOW),
        Case(name="2 s each way", rows=6, line=Line(delay_s=2.0 / FASTER)),
        Case(name="30% lost", rows=6, line=Line(loss=0.3, timeout_s=LEAST_TIMEOUT_S / FASTER)),
        Case(name="a stall", rows=6, line=SLOW, fault=stalled(20.0 / FASTER)),
    ],
    ids=lambda case: case.name,
)
async def test_bad_line_costs_time_and_nothing_else(case: Case, tmp_path: Path) -> None:
    case = replace(case, settings=SETTINGS, limit_s=60.0)
    told: list[int] = []
    outcome = await measure(case, tmp_path / "site", told.append, seed=1)
    assert outcome.last_error is None
    assert (outcome.stored, outcome.sent_twice, outcome.connections) == (case.rows, 0, 1)
    assert outcome.is_good
    assert told[-1] == case.rows


async def test_cap_holds_and_no_patience_ends_before_it(tmp_path: Path) -> None:
    """A row takes longer than an answer may, or silence may last: pings pass between its pieces."""
    kbps = 160
    impatient = replace(SETTINGS, answer_timeout_s=1.0, dead_after_s=1.0, ping_interval_s=0.25)
    case = Case(name="capped", rows=2, max_kbps=kbps, settings=impatient, limit_s=60.0)
    outcome = await measure(case, tmp_path / "site", lambda _: None, seed=1)
    assert outcome.last_error is None
    assert (outcome.stored, outcome.sent_twice, outcome.connections) == (2, 0, 1)
    assert outcome.seconds > 4 * impatient.answer_timeout_s
    assert outcome.kbps <= 1.1 * kbps


async def test_half_open_line_is_given_up_and_made_anew(tmp_path: Path) -> None:
    case = Case(
        name="half open",
        rows=6,
        line=SLOW,
        fault=half_open(60.0 / FASTER),
        connections=9,
        settings=SETTINGS,
        limit_s=60.0,
    )
    outcome = await measure(case, tmp_path / "site", lambda _: None, seed=1)
    assert (outcome.stored, outcome.rows) == (6, 6)
    assert 2 <= outcome.connections <= case.connections

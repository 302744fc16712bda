from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.uplink.backoff import LONGEST_OBEYED_S, Backoff

SHARES = st.floats(min_value=0, max_value=1, exclude_max=True)


@settings(deadline=None)
@given(st.lists(SHARES, min_size=1, max_size=50), st.floats(1, 3600))
def test_delays_stay_between_base_and_cap(randoms: list[float], cap_s: float) -> None:
    backoff = Backoff(cap_s=cap_s)
    for random in randoms:
        ceiling_s = backoff.ceiling_s
        backoff, delay_s = backoff.failed(random=random)
        assert backoff.base_s <= delay_s <= max(backoff.base_s, ceiling_s) <= max(1.0, cap_s)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_ceiling_grows_to_the_cap_and_stays(failures: int) -> None:
    backoff = Backoff(failures=failures)
    after, _ = backoff.failed(random=0.5)
    assert backoff.ceiling_s <= after.ceiling_s <= 60.0
    if failures > 6:
        assert after.ceiling_s == 60.0


@settings(deadline=None)
@given(SHARES, st.floats(0, 1e9))
def test_retry_after_is_obeyed_within_reason(random: float, asked_s: float) -> None:
    _, delay_s = Backoff().failed(random=random, retry_after_s=asked_s)
    assert delay_s >= min(asked_s, LONGEST_OBEYED_S)
    assert delay_s <= max(60.0, LONGEST_OBEYED_S * 1.1)


def test_jitter_covers_the_whole_interval() -> None:
    backoff = Backoff(failures=20)
    assert backoff.failed(random=0.0)[1] == 1.0
    assert backoff.failed(random=0.999)[1] > 59.0


def test_success_begins_anew() -> None:
    backoff = Backoff()
    for _ in range(10):
        backoff, _ = backoff.failed(random=0.5)
    assert backoff.succeeded().ceiling_s == Backoff().ceiling_s == 2.0

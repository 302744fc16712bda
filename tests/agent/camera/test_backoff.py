"""The delay before a restart: grows, is bounded, and never falls to nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.camera.backoff import RestartPolicy, restart_delay_s

POLICY = RestartPolicy(first_s=0.5, longest_s=30.0)


def test_delays_double_up_to_the_longest() -> None:
    delays = [restart_delay_s(POLICY, attempt, 1.0) for attempt in range(8)]
    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


@given(st.integers(0, 10_000), st.floats(0.0, 1.0))
def test_a_delay_lies_between_half_and_whole_of_its_ceiling(attempt: int, chance: float) -> None:
    ceiling = restart_delay_s(POLICY, attempt, 1.0)
    assert ceiling / 2 <= restart_delay_s(POLICY, attempt, chance) <= ceiling <= 30.0

"""What is left out when memory runs short, in which order, and when it is taken up again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.shedding import CALM_S, STEADY_S, STEP_S, Pressure, Shed, Shedding, decide

HIGH = Pressure(process_bytes=90, limit_bytes=100)
MIDDLE = Pressure(process_bytes=78, limit_bytes=100)
LOW = Pressure(process_bytes=50, limit_bytes=100)


def _after(state: Shedding, pressure: Pressure, seconds: range) -> Shedding:
    for now_s in seconds:
        state = decide(state, pressure, now_s=now_s)
    return state


def test_work_is_shed_step_by_step_in_the_stated_order() -> None:
    state = decide(Shedding(), HIGH, now_s=0)
    assert state.names == ("fewer frames",)
    assert decide(state, HIGH, now_s=STEP_S - 1).shed is Shed.FRAME_RATE
    state = decide(state, HIGH, now_s=STEP_S)
    assert state.names == ("fewer frames", "smaller pictures")
    state = decide(state, HIGH, now_s=2 * STEP_S)
    assert state.names == ("fewer frames", "smaller pictures", "no faces")
    assert decide(state, HIGH, now_s=3 * STEP_S).shed is Shed.MODELS
    assert state.steps == 3


def test_between_the_two_marks_nothing_changes_but_after_a_long_while_work_is_taken_up() -> None:
    state = decide(Shedding(), HIGH, now_s=0)
    steady = int(STEADY_S)
    assert _after(state, MIDDLE, range(1, steady)).shed is Shed.FRAME_RATE
    assert _after(state, MIDDLE, range(1, steady + 1)).shed is Shed.NOTHING


def test_work_is_taken_up_again_one_step_a_minute_of_calm() -> None:
    calm = int(CALM_S)
    state = Shedding(shed=Shed.PICTURE_SIZE, since_s=0)
    assert _after(state, LOW, range(calm)).shed is Shed.PICTURE_SIZE
    assert _after(state, LOW, range(calm + 1)).shed is Shed.FRAME_RATE
    assert _after(state, LOW, range(2 * calm + 1)).shed is Shed.NOTHING


def test_calm_that_is_interrupted_begins_anew() -> None:
    calm = int(CALM_S)
    state = _after(Shedding(shed=Shed.FRAME_RATE, since_s=0), LOW, range(calm - 1))
    state = decide(state, MIDDLE, now_s=calm - 1)
    assert _after(state, LOW, range(calm, 2 * calm)).shed is Shed.FRAME_RATE


def test_programs_that_wait_for_memory_are_pressure_too() -> None:
    stalled = Pressure(process_bytes=10, limit_bytes=100, stalled_share=0.5)
    assert decide(Shedding(), stalled, now_s=0).shed is Shed.FRAME_RATE
    still = Pressure(process_bytes=10, limit_bytes=100, stalled_share=0.1)
    assert not still.is_low


@given(
    st.lists(
        st.tuples(st.integers(0, 120), st.integers(0, 200), st.none() | st.floats(0, 1)),
        max_size=60,
    )
)
def test_no_look_moves_more_than_one_step(looks: list[tuple[int, int, float | None]]) -> None:
    state, now_s = Shedding(), 0.0
    for wait_s, used, stalled in looks:
        now_s += wait_s
        before = state
        pressure = Pressure(process_bytes=used, limit_bytes=100, stalled_share=stalled)
        state = decide(state, pressure, now_s=now_s)
        assert abs(state.shed - before.shed) <= 1
        assert state.shed <= before.shed or pressure.is_high
        assert state.shed >= before.shed or not pressure.is_high

"""The ladder: what is tried next, when, and that only what hangs is ever given up."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from agent.recovery import (
    CAMERA,
    PIPELINE,
    Action,
    Ladder,
    Patience,
    Rung,
    Signal,
    Table,
    climb,
    is_alive,
)

PATIENCE = Patience(first_s=10, next_s=30, longest_s=200)


def _climbed(table: Table, signal: Signal, *, until_s: int) -> list[tuple[int, Action]]:
    """What is done in which second, of a part that gives nothing from 0 on."""
    ladder, done = Ladder(), []
    for now_s in range(until_s):
        ladder, action = climb(
            ladder, signal, silent_s=now_s, now_s=now_s, patience=PATIENCE, table=table
        )
        if action is not None:
            done.append((now_s, action))
    return done


def test_a_camera_that_hangs_is_reopened_then_restarted_then_given_up_once() -> None:
    assert _climbed(CAMERA, Signal.HANGING, until_s=1000) == [
        (10, Action.REOPEN),
        (40, Action.RESTART),
        (70, Action.GIVE_UP),
    ]


def test_a_camera_that_answers_with_errors_is_tried_for_ever_and_never_given_up() -> None:
    done = _climbed(CAMERA, Signal.FAILING, until_s=1000)
    assert [action for _, action in done[:2]] == [Action.REOPEN, Action.RESTART]
    assert {action for _, action in done[2:]} == {Action.RESTART}
    waits = [after - before for (before, _), (after, _) in pairwise(done[1:])]
    assert waits == [30, 60, 120, 200, 200, 200]


def test_a_pipeline_has_nothing_to_reopen() -> None:
    assert _climbed(PIPELINE, Signal.HANGING, until_s=100) == [
        (10, Action.RESTART),
        (40, Action.GIVE_UP),
    ]


@pytest.mark.parametrize("rung", list(Rung))
@pytest.mark.parametrize("table", [CAMERA, PIPELINE])
def test_success_leads_back_from_every_rung_and_keeps_the_counts(rung: Rung, table: Table) -> None:
    ladder = Ladder(rung=rung, reopened=3, restarted=2, given_up=1, repeats=2)
    after, action = climb(
        ladder, Signal.WORKING, silent_s=0, now_s=5, patience=PATIENCE, table=table
    )
    assert action is None
    assert after.rung is Rung.WELL
    assert (after.reopened, after.restarted, after.given_up) == (3, 2, 1)


@pytest.mark.parametrize("table", [CAMERA, PIPELINE])
def test_only_a_hang_leads_to_giving_up_and_no_rung_is_forgotten(table: Table) -> None:
    rungs = {rung for rung, _ in table}
    for rung, signal in product(rungs, (Signal.FAILING, Signal.HANGING)):
        _, action = table[rung, signal]
        assert action is not Action.GIVE_UP or signal is Signal.HANGING
    assert {rung for rung, _ in table.values()} <= rungs


def test_the_service_manager_is_told_no_more_once_a_part_is_given_up() -> None:
    assert is_alive(Ladder(), Ladder(rung=Rung.RESTARTED))
    assert not is_alive(Ladder(), Ladder(rung=Rung.GIVEN_UP))

"""Each way a run can end has its exit code: none but a clean end is a success."""

from __future__ import annotations

import pytest

from agent.ending import EXIT_FAILED, EXIT_INCOMPLETE, EXIT_OK, Ending, judge


@pytest.mark.parametrize(
    ("ending", "code", "said"),
    [
        (Ending(waits_for_rows=True, acknowledged=7), EXIT_OK, "acknowledged: 7"),
        (Ending(was_stopped=True, waiting=4), EXIT_OK, "4 rows wait"),
        (Ending(waits_for_rows=True, was_stopped=True, waiting=4), EXIT_FAILED, "4 rows wait"),
        (Ending(waits_for_rows=True, was_stopped=True), EXIT_FAILED, "before the end"),
        (Ending(waits_for_rows=True, waiting=1), EXIT_FAILED, "1 rows still wait"),
        (Ending(waits_for_rows=True, refused=2), EXIT_INCOMPLETE, "send_error"),
        (Ending(waits_for_rows=True, waiting=3, without_table=3), EXIT_INCOMPLETE, "no table"),
        (Ending(lost=1), EXIT_INCOMPLETE, "lost"),
        (Ending(waits_for_rows=True, lost=1), EXIT_INCOMPLETE, "lost"),
        (Ending(failure="the camera broke", lost=1), EXIT_FAILED, "the camera broke"),
    ],
)
def test_ending_has_its_code_and_says_why(ending: Ending, code: int, said: str) -> None:
    verdict = judge(ending)
    assert verdict.code == code
    assert said in verdict.text
    assert verdict.is_success == (code == EXIT_OK)

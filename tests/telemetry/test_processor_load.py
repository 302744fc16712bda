"""The load is that of the time between two questions, whichever threads ask."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from telemetry.processor_load import LEAST_S, LoadSince, Moment, ProcessorLoad, percent_between


def test_a_core_of_four_that_works_all_the_time_is_a_quarter() -> None:
    before = Moment(at_s=0.0, busy_s=100.0, whole_s=1000.0)
    after = Moment(at_s=10.0, busy_s=110.0, whole_s=1040.0)
    assert percent_between(before, after) == 25.0
    assert percent_between(before, before) == 0.0


def test_books_of_the_kernel_that_went_back_make_neither_less_than_nothing_nor_more_than_all() -> (
    None
):
    before = Moment(at_s=0.0, busy_s=100.0, whole_s=1000.0)
    assert percent_between(before, Moment(at_s=1.0, busy_s=101.0, whole_s=1000.5)) == 100.0
    assert percent_between(before, Moment(at_s=1.0, busy_s=99.0, whole_s=1001.0)) == 0.0


def test_each_question_tells_of_the_time_since_the_one_before_whichever_thread_asked() -> None:
    passed = [(0.0, 0.0, 0.0), (30.0, 30.0, 60.0), (30.1, 30.1, 60.2), (80.0, 40.0, 160.0)]
    moments = iter([Moment(at_s=at, busy_s=busy, whole_s=whole) for at, busy, whole in passed])
    load = LoadSince(lambda: next(moments))
    with ThreadPoolExecutor(1) as other:
        assert other.submit(load.share).result() == 0.5
    assert load.share() == 0.5  # of a tenth of a second nothing is told
    assert load.share() == 0.1


async def test_whoever_asks_first_and_those_beside_wait_until_something_is_seen() -> None:
    load, clock = ProcessorLoad(), asyncio.get_running_loop().time
    began_s = clock()
    answers = await asyncio.gather(*(asyncio.to_thread(load.percent) for _ in range(4)))
    assert all(0 <= each <= 100 for each in answers)
    assert clock() - began_s >= LEAST_S

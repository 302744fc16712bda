"""Who is read while memory is short, who goes on, who is hung up on."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.ingest.budget import ByteBudget
from server.ingest.inflow import ELDERS, Inflow
from server.ingest.patience import Patience

PATIENCE = Patience(stalled_s=2, short_s=20, slow_s=60, slow_bytes=4_096)


@dataclass(eq=False)
class Line:
    """A connection; `says` is what arrives, `ends` finishes the message, whose bytes are taken."""

    inflow: Inflow
    budget: ByteBudget
    peer: str = "cam"
    unfinished_bytes: int = 0
    arrived_bytes: int = 0
    taken: list[int] = field(default_factory=list)
    is_read: bool = True
    is_open: bool = True

    def hold_back(self) -> None:
        self.is_read = False

    def go_on(self) -> None:
        self.is_read = True

    def hang_up(self) -> None:
        self.is_open = False
        held, self.unfinished_bytes = self.unfinished_bytes, 0
        self.inflow.left(self, held)

    def says(self, size: int, now_s: float = 0.0, *, ends: bool = False) -> None:
        assert self.is_read, "what is not read cannot arrive"
        self.inflow.arrived(size)
        self.arrived_bytes += size
        self.unfinished_bytes += size
        if ends:
            self.taken.append(self.unfinished_bytes)
            self.unfinished_bytes = 0
        self.inflow.looked_at(self, now_s)

    def stored(self) -> None:
        self.budget.release(self.taken.pop(0))


def site(count: int, total_bytes: int = 1_000) -> tuple[Inflow, list[Line]]:
    budget = ByteBudget(total_bytes)
    inflow = Inflow(budget, PATIENCE)
    lines = [Line(inflow, budget, f"cam-{number}") for number in range(count)]
    for line in lines:
        inflow.joined(line)
    return inflow, lines


def test_nobody_is_read_while_finished_messages_use_the_budget_up() -> None:
    inflow, lines = site(3)
    lines[0].says(600, ends=True)
    lines[1].says(300)
    assert all(line.is_read for line in lines)
    lines[2].says(200, ends=True)
    assert inflow.is_short
    assert not any(line.is_read for line in lines)
    lines[0].stored()
    assert not inflow.is_short
    assert all(line.is_read for line in lines)


def test_smallest_unfinished_messages_go_on_where_only_they_hold_memory() -> None:
    inflow, lines = site(ELDERS + 4)
    for number, line in enumerate(lines):
        if line.is_read:
            line.says(100 + 20 * number)
    assert inflow.is_short
    assert [line.is_read for line in lines] == [True] * ELDERS + [False] * 4
    lines[1].says(10, ends=True)
    assert [line.is_read for line in lines] == [True, False, True, True, True, False, False, False]
    lines[1].stored()


def test_message_that_stands_still_while_memory_is_short_is_hung_up_on() -> None:
    inflow, lines = site(ELDERS + 1, total_bytes=500)
    for line in lines:
        line.says(100)
    assert inflow.is_short
    lines[0].says(1, 1.0)
    inflow.expel(1.0)
    inflow.expel(2.5)
    assert [line.is_open for line in lines] == [True, False, False, False, True]
    assert not inflow.is_short  # what they held is free


def test_messages_that_trickle_while_memory_is_short_do_not_keep_it_so() -> None:
    inflow, lines = site(ELDERS + 1, total_bytes=500)
    for line in lines:
        line.says(100)
    assert inflow.is_short
    for second in range(1, 22):
        for line in lines:
            if line.is_open and line.is_read:
                line.says(1, second)
        inflow.expel(second)
    assert not inflow.is_short


def test_slow_message_is_hung_up_on_and_a_steady_one_is_not() -> None:
    inflow, (steady, trickling, idle) = site(3, total_bytes=1_000_000)
    idle.says(100, ends=True)
    steady.says(1)
    trickling.says(1)
    for second in range(130):
        steady.says(100, second)
        if trickling.is_open:
            trickling.says(1, second)
        inflow.expel(second)
    assert (steady.is_open, trickling.is_open, idle.is_open) == (True, False, True)


def test_time_in_which_nothing_was_read_does_not_count_as_slow() -> None:
    inflow, (slow, other) = site(2)
    slow.says(10, 0.0)
    inflow.expel(0.0)
    other.says(990, 1.0, ends=True)
    inflow.expel(100.0)
    assert not slow.is_read
    other.stored()
    inflow.expel(101.0)
    inflow.expel(160.0)
    assert slow.is_open
    inflow.expel(162.0)
    assert not slow.is_open


def test_who_joins_while_memory_is_short_waits_too() -> None:
    inflow, (line,) = site(1)
    line.says(1_000, ends=True)
    late = Line(inflow, line.budget)
    inflow.joined(late)
    assert not late.is_read
    line.stored()
    assert late.is_read


@pytest.mark.parametrize("total", [1_000, 5_000])
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_memory_is_bounded_and_everything_is_given_back(total: int, data: st.DataObject) -> None:
    """Whatever comes in whatever order: never more than the budget, the elders, and one read."""
    most = 800
    inflow, lines = site(12, total_bytes=total)
    budget = lines[0].budget
    for now_s in range(data.draw(st.integers(0, 80))):
        line = data.draw(st.sampled_from(lines))
        if line.is_open and line.is_read:
            room = most - line.unfinished_bytes
            size = data.draw(st.integers(1, max(1, min(room, 200))))
            line.says(size, now_s, ends=size >= room or data.draw(st.booleans()))
        elif line.taken and data.draw(st.booleans()):
            line.stored()
        elif data.draw(st.booleans()):
            inflow.expel(now_s)
        assert inflow.unfinished_bytes == sum(line.unfinished_bytes for line in lines)
        assert budget.used_bytes <= total + ELDERS * most + 200
    for line in lines:
        while line.taken:
            line.stored()
        if line.is_open:
            line.hang_up()
    assert budget.used_bytes == 0
    assert not inflow.is_short

"""The budget is kept whatever is asked, and the least needed network goes first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.errors import ModelDoesNotFit
from vision.pool.budget import (
    IDLE_S,
    Allocation,
    Budget,
    Priority,
    amount,
    plan_cleanup,
    plan_load,
    usage_of,
)

BUDGET = Budget(device="cpu", capacity=100)


def held(
    name: str,
    size: int,
    priority: Priority = Priority.MEDIUM,
    *,
    used_s: float = 0.0,
    is_busy: bool = False,
    device: str = "cpu",
) -> Allocation:
    return Allocation(
        name=name,
        device=device,
        size=size,
        priority=priority,
        last_used_s=used_s,
        is_busy=is_busy,
    )


ALLOCATIONS = st.lists(
    st.builds(
        held,
        name=st.uuids().map(str),
        size=st.integers(0, 60),
        priority=st.sampled_from(Priority),
        used_s=st.floats(0, 1000),
        is_busy=st.booleans(),
        device=st.sampled_from(["cpu", "cuda"]),
    ),
    max_size=8,
)
WANTED = st.builds(
    held, name=st.just("new"), size=st.integers(0, 120), priority=st.sampled_from(Priority)
)


@given(allocations=ALLOCATIONS, wanted=WANTED)
def test_budget_holds_after_any_plan_and_refusals_are_right(
    allocations: list[Allocation], wanted: Allocation
) -> None:
    here = [one for one in allocations if one.device == "cpu"]
    may_go = [one for one in here if not one.is_busy and one.priority <= wanted.priority]
    staying = sum(one.size for one in here) - sum(one.size for one in may_go)
    if staying + wanted.size > BUDGET.capacity:
        with pytest.raises(ModelDoesNotFit):
            plan_load(wanted, allocations, BUDGET)
        return
    going = plan_load(wanted, allocations, BUDGET)
    left = [one for one in here if one.name not in going]
    assert sum(one.size for one in left) + wanted.size <= BUDGET.capacity
    assert set(going) <= {one.name for one in may_go}
    assert len(set(going)) == len(going)
    gone = [one for one in may_go if one.name in going]
    kept = [one for one in may_go if one.name not in going]
    assert all(a.priority <= b.priority for a in gone for b in kept)
    if gone:
        last = next(one for one in gone if one.name == going[-1])
        assert sum(one.size for one in left) + last.size + wanted.size > BUDGET.capacity


@given(allocations=ALLOCATIONS, now_s=st.floats(0, 2000))
def test_clean_up_takes_only_what_is_idle_and_not_critical(
    allocations: list[Allocation], now_s: float
) -> None:
    gone = [one for one in allocations if one.name in plan_cleanup(now_s, allocations, BUDGET)]
    for one in gone:
        assert one.device == "cpu"
        assert not one.is_busy
        assert one.priority is not Priority.CRITICAL
        assert now_s - one.last_used_s >= IDLE_S


def test_least_important_goes_before_the_longest_unused() -> None:
    loaded = [
        held("faces", 40, Priority.LOW, used_s=9),
        held("plates", 40, Priority.HIGH, used_s=1),
    ]
    assert plan_load(held("new", 50, Priority.CRITICAL), loaded, BUDGET) == ("faces",)


def test_of_equals_the_longest_unused_goes() -> None:
    loaded = [held("a", 40, used_s=9), held("b", 40, used_s=1)]
    assert plan_load(held("new", 50), loaded, BUDGET) == ("b",)


def test_refusal_names_what_stays_and_what_to_set() -> None:
    loaded = [held("plates", 60, Priority.CRITICAL), held("faces", 30, is_busy=True)]
    with pytest.raises(
        ModelDoesNotFit, match=r"model new .*plates .*critical.*faces .*busy.*MEMORY_SHARE"
    ):
        plan_load(held("new", 20), loaded, BUDGET)


def test_clean_up_stops_below_its_share() -> None:
    loaded = [held("a", 30, used_s=1), held("b", 30, used_s=2), held("c", 35, used_s=3)]
    assert plan_cleanup(1000, loaded, BUDGET) == ("a",)
    assert plan_cleanup(30, loaded, BUDGET) == ()


def test_usage_warns_from_the_warning_share_on() -> None:
    assert not usage_of(BUDGET, [held("a", 89), held("b", 50, device="cuda")]).is_high
    assert usage_of(BUDGET, [held("a", 90)]).is_high


def test_sizes_are_told_in_the_unit_of_the_device() -> None:
    assert amount(25_000_000, "cpu") == "25 MB"
    assert amount(1, "hailo") == "1 network"
    assert amount(2, "hailo") == "2 networks"

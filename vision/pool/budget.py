"""Which networks stay in memory and which are let go. Pure: sizes and times in, decisions out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from vision.errors import ModelDoesNotFit

IDLE_S = 60.0
"""A network not used for this long may be let go in a clean-up."""


class Priority(IntEnum):
    """How important a network is; less important ones go first."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """One loaded network.

    `size` is in bytes, on a Hailo in networks (each is 1). `last_used_s` is of the pool's clock;
    `busy_share` is the share of the time since it was loaded in which it ran.
    """

    name: str
    device: str
    size: int
    priority: Priority
    last_used_s: float
    is_busy: bool = False
    runs: int = 0
    busy_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one device may hold, in the unit of `Allocation.size`."""

    device: str
    capacity: int
    cleanup_share: float = 0.9
    warning_share: float = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How full one device is; `is_high` from the budget's warning share on."""

    device: str
    used: int
    capacity: int
    is_high: bool


def usage_of(budget: Budget, allocations: Iterable[Allocation]) -> Usage:
    used = sum(one.size for one in allocations if one.device == budget.device)
    return Usage(
        device=budget.device,
        used=used,
        capacity=budget.capacity,
        is_high=used >= budget.warning_share * budget.capacity,
    )


def plan_load(
    wanted: Allocation, allocations: Sequence[Allocation], budget: Budget
) -> tuple[str, ...]:
    """Names to let go, in that order, so that `wanted` fits; as few as that order allows.

    Only idle networks that are not more important than `wanted` go: the least important first,
    of equals the one unused the longest. Raises `ModelDoesNotFit` where they are not enough.
    """
    here = [one for one in allocations if one.device == budget.device]
    free = budget.capacity - sum(one.size for one in here)
    going: list[str] = []
    for one in _least_needed(one for one in here if one.priority <= wanted.priority):
        if free >= wanted.size:
            break
        free += one.size
        going.append(one.name)
    if free < wanted.size:
        raise ModelDoesNotFit(_misfit(wanted, here, budget))
    return tuple(going)


def plan_cleanup(
    now_s: float, allocations: Sequence[Allocation], budget: Budget
) -> tuple[str, ...]:
    """Names to let go because the device is fuller than its clean-up share.

    Only what has been idle for `IDLE_S` goes, and nothing that is critical.
    """
    here = [one for one in allocations if one.device == budget.device]
    above = sum(one.size for one in here) - budget.cleanup_share * budget.capacity
    going: list[str] = []
    for one in _least_needed(here):
        if above <= 0:
            break
        if one.priority is not Priority.CRITICAL and now_s - one.last_used_s >= IDLE_S:
            above -= one.size
            going.append(one.name)
    return tuple(going)


def _least_needed(allocations: Iterable[Allocation]) -> list[Allocation]:
    idle = [one for one in allocations if not one.is_busy]
    return sorted(idle, key=lambda one: (one.priority, one.last_used_s, one.name))


def _misfit(wanted: Allocation, here: Sequence[Allocation], budget: Budget) -> str:
    held = ", ".join(
        f"{one.name} {amount(one.size, one.device)} ({one.priority.name.lower()}"
        f"{', busy' if one.is_busy else ''})"
        for one in here
    )
    return (
        f"model {wanted.name} needs {amount(wanted.size, wanted.device)} on {budget.device}, "
        f"where models may take {amount(budget.capacity, budget.device)} and "
        f"{held or 'nothing'} stays: choose a smaller model or fewer, or raise "
        "AGENT_MODEL_MEMORY_SHARE"
    )


def amount(size: int, device: str) -> str:
    """A size for people."""
    if device == "hailo":
        return f"{size} network{'' if size == 1 else 's'}"
    return f"{size / 1e6:.0f} MB"

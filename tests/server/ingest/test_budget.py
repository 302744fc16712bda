"""The byte budget never exceeds itself, keeps the order, and forgets nobody."""

from __future__ import annotations

import asyncio

import pytest

from server.ingest.budget import ByteBudget, credit_for


async def test_who_finds_it_used_up_waits_in_order() -> None:
    budget = ByteBudget(100)
    await budget.acquire(80)
    order: list[str] = []

    async def take(name: str, size: int) -> None:
        await budget.acquire(size)
        order.append(name)

    large = asyncio.create_task(take("large", 50))
    small = asyncio.create_task(take("small", 10))
    await asyncio.sleep(0)
    assert order == []  # the small one would fit, but the large one came first
    budget.release(80)
    await asyncio.gather(large, small)
    assert order == ["large", "small"]
    assert budget.free_bytes == 40


async def test_a_frame_larger_than_all_of_it_passes_alone() -> None:
    budget = ByteBudget(100)
    await budget.acquire(500)
    assert budget.free_bytes == 0
    waiting = asyncio.create_task(budget.acquire(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    budget.release(500)
    await waiting
    assert budget.free_bytes == 99


@pytest.mark.parametrize("was_granted", [False, True])
async def test_one_who_gives_up_holds_nothing(was_granted: bool) -> None:
    budget = ByteBudget(100)
    await budget.acquire(100)
    gives_up = asyncio.create_task(budget.acquire(60))
    follows = asyncio.create_task(budget.acquire(70))
    await asyncio.sleep(0)
    if was_granted:
        budget.release(100)
    gives_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gives_up
    if not was_granted:
        budget.release(100)
    await follows
    assert budget.free_bytes == 30


def test_credit_shrinks_with_what_is_free_and_with_company() -> None:
    plenty = credit_for(64 << 20, 1)
    shared = credit_for(64 << 20, 100)
    scarce = credit_for(0, 100)
    assert plenty.bytes > shared.bytes > scarce.bytes >= 65_536
    assert plenty.rows > shared.rows > scarce.rows >= 1

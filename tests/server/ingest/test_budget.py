"""The byte budget's sums, and the credit that follows from them."""

from __future__ import annotations

from server.ingest.budget import ByteBudget, credit_for


def test_what_was_taken_and_given_back_is_free_again() -> None:
    budget = ByteBudget(100)
    free: list[int] = []
    budget.on_release(lambda: free.append(budget.free_bytes))
    budget.take(80)
    budget.take(50)
    assert (budget.used_bytes, budget.free_bytes) == (130, 0)
    budget.release(50)
    budget.release(80)
    assert free == [20, 100]


def test_credit_shrinks_with_what_is_free_and_with_company() -> None:
    plenty = credit_for(64 << 20, 1)
    shared = credit_for(64 << 20, 100)
    scarce = credit_for(0, 100)
    assert plenty.bytes > shared.bytes > scarce.bytes >= 65_536
    assert plenty.rows > shared.rows > scarce.rows >= 1

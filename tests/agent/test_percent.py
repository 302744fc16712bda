"""Shares are never rounded to all or to nothing."""

from __future__ import annotations

import pytest

from agent.percent import percent


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.0, "0%"),
        (0.00001, "0.1%"),
        (0.004, "0.4%"),
        (0.006, "1%"),
        (0.1, "10%"),
        (0.994, "99%"),
        (0.996, "99.6%"),
        (0.99999, "99.9%"),
        (1.0, "100%"),
    ],
)
def test_all_and_nothing_are_said_of_all_and_nothing_alone(share: float, shown: str) -> None:
    assert percent(share) == shown

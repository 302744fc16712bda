"""Passwords are hashed and checked one at a time, so that guessing cannot use up the machine."""

from __future__ import annotations

import secrets
from typing import Final

from guarding.passwords import COST, Cost, hash_of, matches
from server.accounts.book import new_hash
from server.one_at_a_time import OneAtATime

MOST_WAITING: Final = 16
"""Passwords that may wait for their turn; more are refused at once."""


class Hashing:
    """Lives on the event loop; the work, about 50 ms a password, has a thread."""

    def __init__(self, cost: Cost = COST) -> None:
        self._cost = cost
        self._turns = OneAtATime(
            "passwords",
            most=MOST_WAITING,
            refusal="too many people sign in at this moment: try again in a few seconds",
        )
        self._decoy = hash_of(secrets.token_urlsafe(), cost)

    async def new_hash(self, password: str, *, name: str) -> str:
        """Raises AccountRefused where it may be no password, TooBusy."""
        return await self._turns.run(lambda: new_hash(password, name=name, cost=self._cost))

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password; takes as long, and says no, where there is no hash.

        Raises TooBusy.
        """
        if password_hash is None:
            await self._turns.run(lambda: matches(password, self._decoy))
            return False
        return await self._turns.run(lambda: matches(password, password_hash))

    def close(self) -> None:
        self._turns.close()

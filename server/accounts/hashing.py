"""Passwords are hashed and checked one at a time, so that guessing cannot use up the machine."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from guarding.passwords import COST, Cost, hash_of, matches
from server.accounts.book import new_hash
from server.errors import TooBusy

MOST_WAITING: Final = 16
"""Passwords that may wait for their turn; more are refused at once."""

_T = TypeVar("_T")


class Hashing:
    """Lives on the event loop; the work, about 50 ms a password, has a thread."""

    def __init__(self, cost: Cost = COST) -> None:
        self._cost = cost
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sightpost-passwords")
        self._waiting = 0
        self._decoy = hash_of(secrets.token_urlsafe(), cost)

    async def new_hash(self, password: str, *, name: str) -> str:
        """Raises AccountRefused where it may be no password, TooBusy."""
        return await self._run(lambda: new_hash(password, name=name, cost=self._cost))

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password; takes as long, and says no, where there is no hash.

        Raises TooBusy.
        """
        if password_hash is None:
            await self._run(lambda: matches(password, self._decoy))
            return False
        return await self._run(lambda: matches(password, password_hash))

    async def _run(self, work: Callable[[], _T]) -> _T:
        if self._waiting >= MOST_WAITING:
            raise TooBusy("too many people sign in at this moment: try again in a few seconds")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

"""Passwords as argon2id hashes: made and checked, slowly on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LONGEST: Final = 200
"""Characters; a longer one would only cost time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What it costs to make a hash, and to check a password against it, on one lane.

    OWASP's smallest: 20 MB of a small device, and about 50 ms.
    """

    passes: int = 2
    memory_kib: int = 19 * 1024


COST: Final = Cost()


def hash_of(password: str, cost: Cost = COST) -> str:
    """In argon2's own format, ASCII, with its cost in it."""
    hasher = PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=1)
    return hasher.hash(password)


def matches(password: str, password_hash: str) -> bool:
    """Whether it is the password, at the cost of that hash."""
    try:
        return PasswordHasher().verify(password_hash, password[: LONGEST + 1])
    except (VerificationError, InvalidHashError, UnicodeEncodeError):  # half a character
        return False

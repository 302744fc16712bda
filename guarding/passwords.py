"""Passwords as argon2id hashes: made and checked, slowly on purpose."""

from __future__ import annotations

from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LONGEST: Final = 200
"""Characters; a longer one would only cost time."""
MEMORY_KIB: Final = 19 * 1024
"""With two passes and one lane: OWASP's smallest, so that a check costs a small device 20 MB."""

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=MEMORY_KIB, parallelism=1)


def hash_of(password: str) -> str:
    """In argon2's own format, ASCII. Takes about 50 ms and MEMORY_KIB."""
    return _HASHER.hash(password)


def matches(password: str, password_hash: str) -> bool:
    """Whether it is the password. Takes about 50 ms and MEMORY_KIB."""
    try:
        return _HASHER.verify(password_hash, password[: LONGEST + 1])
    except (VerificationError, InvalidHashError, UnicodeEncodeError):  # half a character
        return False

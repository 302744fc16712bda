"""What a device token is: 256 random bits that the camera keeps, and their hash, kept here."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceToken:
    """What the server knows of a token. Times are UTC, ISO 8601."""

    name: str
    token_sha256: bytes
    created_at: str
    revoked_at: str | None
    last_used_at: str | None


def new_token() -> str:
    """A token, safe in URLs and headers."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest_of(token: str) -> bytes:
    """What is kept of a token. A fast hash does: a token has 256 random bits, not a password's."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()

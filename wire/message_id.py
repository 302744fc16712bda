"""Names of rows: UUIDv7 for rows of ours, UUIDv8 derived from the content for classic ones.

Layouts: RFC 9562, sections 5.7 and 5.8.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

_CANONICAL: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII
)
RANDOM_BYTES: Final = 10
_ABSENT: Final = b"\xff" * 8  # stands where a length would; no part is that long


def is_message_id(text: str) -> bool:
    """Whether it is a UUID in canonical lower-case form."""
    return _CANONICAL.fullmatch(text) is not None


def time_ordered_id(unix_ms: int, random: bytes) -> str:
    """A UUIDv7 of that moment; `random` is 10 bytes from the caller's source."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"expected {RANDOM_BYTES} random bytes, got {len(random)}")
    clamped_ms = min(max(unix_ms, 0), (1 << 48) - 1)
    number = (clamped_ms << 80) | int.from_bytes(random, "big")
    return _with_version(number, 7)


def content_id(parts: Iterable[str | bytes | None]) -> str:
    """A UUIDv8 that is the same for the same parts (each counted with its length)."""
    digest = hashlib.sha256()
    for part in parts:
        if part is None:
            digest.update(_ABSENT)
            continue
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return _with_version(int.from_bytes(digest.digest()[:16], "big"), 8)


def _with_version(number: int, version: int) -> str:
    number &= ~(0xF << 76) & ~(0x3 << 62)
    number |= (version << 76) | (0x2 << 62)
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

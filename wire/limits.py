"""How large things on the wire may be. Plain numbers, the same for every exchange."""

from __future__ import annotations

from typing import Final

import msgspec

PLATE_CHARACTERS: Final = 64
NAME_CHARACTERS: Final = 255
SHORT_CHARACTERS: Final = 64
MESSAGE_CHARACTERS: Final = 4096
TIMESTAMP_CHARACTERS: Final = 64
JSON_BYTES: Final = 65_536
JSON_LEVELS: Final = 32
EMBEDDING_BYTES: Final = 16_384
LANDMARKS: Final = 106
ROWS_PER_FRAME: Final = 512
RUNS: Final = 32
ID_CHARACTERS: Final = 64
WATCHED_PLATES: Final = 10_000
"""The most that a camera holds of watchlists."""
PLATES_PER_PART: Final = 500
"""Of a watchlist on its way: some tens of kilobytes, between which acknowledgements pass."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a server takes; all sizes in bytes, before base64 where pictures are meant."""

    frame_bytes: int = 8 * 1024 * 1024
    rows_per_frame: int = ROWS_PER_FRAME
    picture_bytes: int = 5_000_000
    picture_pixels: int = 50_000_000


class Credit(msgspec.Struct, frozen=True, kw_only=True):
    """How much a client may have unanswered on its connection; one row is always allowed.

    `bytes` counts the JSON of whole frames, as sent.
    """

    rows: int
    bytes: int

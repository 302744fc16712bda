"""Where a list goes on, as an opaque text that fits only the question it belongs to. Pure."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from server.errors import QuestionInvalid
from server.row_id import LARGEST_ID
from server.storage.reading.sightings import Order, SightingFilter

LATEST: Final = "~"
"""Sorts behind every time."""
LONGEST: Final = 512


class Position(msgspec.Struct, frozen=True, array_like=True):
    """Just before this sighting in the order of time; `captured_at` None: among those without."""

    captured_at: Annotated[str, Meta(max_length=64)] | None = LATEST
    id: Annotated[int, Meta(ge=-1, le=LARGEST_ID)] = LARGEST_ID


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """`as_of` is the highest id that existed when the first page was asked for.

    Where a block of matches is put in order of likelihood, `after` is where the block begins and
    `shown` how many of it were given out.
    """

    fits: str
    as_of: Annotated[int, Meta(ge=0, le=LARGEST_ID)]
    after: Position
    shown: Annotated[int, Meta(ge=0, le=LARGEST_ID)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a cursor must fit."""

    chosen: SightingFilter
    order: Order

    @property
    def digest(self) -> str:
        whole = msgspec.json.encode((self.chosen, self.order))
        return hashlib.blake2b(whole, digest_size=6).hexdigest()


def written(cursor: Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def read(text: str, asked: Asked) -> Cursor:
    """Raises QuestionInvalid where it is none, or another question's."""
    try:
        if len(text) > LONGEST:
            raise ValueError("too long")
        padded = text + "=" * (-len(text) % 4)
        cursor = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=Cursor)
    except (ValueError, msgspec.DecodeError) as error:
        raise QuestionInvalid(
            f"cursor={text[:40]!r}: expected next_cursor of an earlier page; leave it out to begin "
            "at the first"
        ) from error
    if cursor.fits != asked.digest:
        raise QuestionInvalid(
            "cursor: it belongs to another filter or order; ask with the same ones as its page, or "
            "leave it out to begin at the first"
        )
    return cursor

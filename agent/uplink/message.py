"""From a waiting row and its picture to the bytes of one message, in either exchange. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import msgspec

from agent.delivery import RowKey, WaitingRow
from agent.uplink.lanes import Lane
from wire import v1
from wire.base64_text import PictureBytes, encode_base64, encode_text
from wire.classic import encode_classic
from wire.rows import FaceRow, LprRow, Table

_PICTURED: Final = (LprRow, FaceRow)
_NO_PICTURE: Final = PictureBytes()
_IMAGE_FIELD: Final = b'"image":""'


class PreparedRow(NamedTuple):
    """A row ready to go. `alone`: it must not share a frame, others were refused with it."""

    key: RowKey
    id: str
    content: bytes
    lane: Lane
    alone: bool = False


class RowEncoder(Protocol):
    """The form of rows in one exchange."""

    @property
    def tables(self) -> frozenset[Table]:
        """Tables that the peer has; rows of others wait."""

    def encode(self, row: WaitingRow, picture: bytes | None) -> bytes:
        """The row's JSON; `picture` is the file's bytes, None where there is none."""


class V1Encoder:
    """Rows of `sightpost.v1`, to be put into frames. The picture is not decoded."""

    tables: frozenset[Table] = frozenset(Table)

    def __init__(self, *, trace_of: Callable[[str], str | None] | None = None) -> None:
        """`trace_of` a row's id is the `traceparent` that goes with sightings; None: none goes."""
        self._trace_of = trace_of

    def encode(self, row: WaitingRow, picture: bytes | None) -> bytes:
        said = row.row
        if not isinstance(said, _PICTURED):
            return v1.encode_row(said)
        if self._trace_of is not None:
            said = msgspec.structs.replace(said, trace=self._trace_of(said.id))
        if picture is None:
            status = "evicted" if said.data.image_status == "evicted" else "missing"
            data = msgspec.structs.replace(said.data, image_status=status)
            return v1.encode_row(msgspec.structs.replace(said, data=data, image_sha256=None))
        data = msgspec.structs.replace(said.data, image=_NO_PICTURE, image_status="present")
        sha256 = said.image_sha256 or hashlib.sha256(picture).hexdigest()
        encoded = v1.encode_row(msgspec.structs.replace(said, data=data, image_sha256=sha256))
        # The first such place is the field itself: in a text the quotes would be escaped.
        before, _, behind = encoded.partition(_IMAGE_FIELD)
        return b"".join((before, _IMAGE_FIELD[:-1], encode_base64(picture), b'"', behind))


class ClassicEncoder:
    """Whole messages for the older server: bare base64, its two tables only."""

    tables: frozenset[Table] = frozenset({Table.LPR_DETECTION, Table.HEALTH_MONITOR})

    def __init__(self, *, checkpoint_id: str, hostname: str) -> None:
        self._checkpoint_id = checkpoint_id
        self._hostname = hostname

    def encode(self, row: WaitingRow, picture: bytes | None) -> bytes:
        image = None if picture is None else encode_text(picture)
        return encode_classic(
            row.row, checkpoint_id=self._checkpoint_id, hostname=self._hostname, image=image
        )


def without_hash(row: WaitingRow) -> WaitingRow:
    """The row for a picture that is not the one hashed when it was recorded."""
    if not isinstance(row.row, _PICTURED):
        return row
    return row._replace(row=msgspec.structs.replace(row.row, image_sha256=None))


def given_up(row: WaitingRow) -> WaitingRow:
    """The row whose picture no server takes: it goes without, marked."""
    if not isinstance(row.row, _PICTURED):
        return row
    data = msgspec.structs.replace(row.row.data, image_status="evicted")
    return row._replace(row=msgspec.structs.replace(row.row, data=data))

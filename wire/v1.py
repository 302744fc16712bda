"""The messages of `sightpost.v1` and their codec: one JSON object a frame, tagged by `type`."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from wire.base64_text import decode_hook, encode_hook
from wire.diagnosis import UNREADABLE, explain
from wire.errors import ErrorCode, FrameInvalid, RowInvalid
from wire.lifting import lift
from wire.limits import (
    PLATE_CHARACTERS,
    PLATES_PER_PART,
    ROWS_PER_FRAME,
    RUNS,
    SHORT_CHARACTERS,
    Credit,
)
from wire.rows import AwareTime, ClockState, Count, Name, Row, Seconds, Short

SUBPROTOCOL: Final = "sightpost.v1"

FrameNumber = Annotated[int, Meta(ge=1, lt=2**53)]
RunName = Annotated[str, Meta(min_length=1, max_length=SHORT_CHARACTERS)]
RecordId = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class Hello(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="hello"):
    """The client's first frame: who it is and what waits there.

    `runs` are those of the server that acknowledged rows of this epoch, the latest first. Numbers
    up to `epoch_after` were given before this epoch; None: the client does not say. `watchlist` is
    the version of the one that it holds, empty for none; None: it takes none.
    """

    device_id: Annotated[str, Meta(min_length=1, max_length=64)]
    epoch: Annotated[str, Meta(min_length=1, max_length=64)]
    hostname: Name
    checkpoint_id: Short
    agent_version: Short
    time: AwareTime
    clock_state: ClockState
    waiting_rows: Count = 0
    runs: Annotated[list[RunName], Meta(max_length=RUNS)] = []
    epoch_after: Count | None = None
    watchlist: Short | None = None


class Rows(Struct, frozen=True, kw_only=True, tag="rows"):
    """Rows to be stored; `frame` counts up from 1 on each connection."""

    frame: FrameNumber
    rows: list[Row]


class Welcome(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="welcome"):
    """The server's answer to hello; `last_sequence` is the highest it holds of this epoch.

    `rows_stored` counts what it ever stored of this epoch. `run` names this run of the server,
    `known_run` is the first of the client's `runs` that its database has seen.
    """

    last_sequence: Count
    credit: Credit
    max_frame_bytes: Count
    time: AwareTime
    max_frame_rows: Count = ROWS_PER_FRAME
    rows_stored: Count | None = None
    run: RunName | None = None
    known_run: RunName | None = None


class RowResult(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What became of one row. `retry` tells whether to send it again, unchanged, later."""

    id: str
    success: bool
    record_id: RecordId | None = None
    duplicate: bool = False
    code: str | None = None
    message: str | None = None
    retry: bool = False
    retry_after_s: Seconds | None = None


class Acks(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="acks"):
    """The results of one frame of rows, sent after their commit, and the credit from now on.

    `rows_stored` is that of `welcome`, with the rows of this frame.
    """

    frame: FrameNumber
    credit: Credit
    results: list[RowResult]
    rows_stored: Count | None = None


class FrameRefusal(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="refusal"):
    """A frame that could not be read: none of its rows was stored.

    Without `frame` its number could not be read either: the oldest unanswered frame is meant.
    """

    code: str
    message: str
    frame: FrameNumber | None = None
    retry: bool = False
    retry_after_s: Seconds | None = None


class WatchedPlate(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A plate to watch for, with `*` for any characters and `?` for one; `exact` tells look-alikes
    apart. It counts from `valid_from` until before `valid_until`."""

    plate: Annotated[str, Meta(min_length=1, max_length=PLATE_CHARACTERS)]
    matching: Literal["likely", "exact"] = "likely"
    valid_from: AwareTime | None = None
    valid_until: AwareTime | None = None


class Watchlist(Struct, frozen=True, kw_only=True, tag="watchlist"):
    """A part, counted from 1, of all that this camera is to watch for."""

    version: Annotated[str, Meta(min_length=1, max_length=SHORT_CHARACTERS)]
    part: FrameNumber
    parts: FrameNumber
    plates: Annotated[list[WatchedPlate], Meta(max_length=PLATES_PER_PART)]


ClientMessage = Hello | Rows
ServerMessage = Welcome | Acks | FrameRefusal | Watchlist


class _RowsEnvelope(Struct, frozen=True, kw_only=True, tag="rows"):
    """A frame of rows whose rows are still to be read, one by one."""

    frame: FrameNumber
    rows: list[Raw]


class _RowId(Struct, frozen=True):
    id: str = ""


class _MessageType(Struct, frozen=True):
    type: str = ""
    frame: Any = None


_encoder: Final = msgspec.json.Encoder(enc_hook=encode_hook)
_client_message: Final[msgspec.json.Decoder[ClientMessage]] = msgspec.json.Decoder(
    ClientMessage, dec_hook=decode_hook
)
_server_message: Final[msgspec.json.Decoder[ServerMessage]] = msgspec.json.Decoder(ServerMessage)
_envelope: Final = msgspec.json.Decoder(_RowsEnvelope)
_row: Final[msgspec.json.Decoder[Row]] = msgspec.json.Decoder(Row, dec_hook=decode_hook)
_row_id: Final = msgspec.json.Decoder(_RowId)
_type: Final = msgspec.json.Decoder(_MessageType)

_NO_PICTURE: Final = "/w=="
"""Base64 of one byte: `acceptance` finds that it is no picture."""

_CLIENT_TYPES: Final = frozenset({"hello", "rows"})
_SERVER_TYPES: Final = frozenset({"welcome", "acks", "refusal", "watchlist"})


def encode(message: ClientMessage | ServerMessage) -> bytes:
    """UTF-8 JSON for one text frame."""
    return _encoder.encode(message)


def encode_row(row: Row) -> bytes:
    """One row, to be put into a frame by `encode_rows_frame`."""
    return _encoder.encode(row)


def encode_rows_frame(frame: int, encoded_rows: list[bytes]) -> bytes:
    """The same bytes as `encode(Rows(...))`, from rows that are encoded already."""
    return b'{"type":"rows","frame":%d,"rows":[%b]}' % (frame, b",".join(encoded_rows))


class ReadRows(Struct, frozen=True):
    """A frame of rows as read: each a row, or (id, what is wrong with it)."""

    frame: int
    rows: list[Row]
    invalid: list[tuple[str, RowInvalid]]


def decode_client_message(content: bytes | str, *, max_rows: int) -> Hello | ReadRows | None:
    """What a client sent; None for a type that this version does not know (to be ignored).

    One row that breaks the contract does not spoil its neighbours. Raises FrameInvalid.
    """
    try:
        message = _decode_lifted(content) or _client_message.decode(content)
    except UNREADABLE as error:
        return _decode_with_fault(content, error, max_rows)
    if isinstance(message, Hello):
        return message
    _check_count(message.frame, len(message.rows), max_rows)
    return ReadRows(message.frame, message.rows, [])


def decode_server_message(content: bytes | str) -> ServerMessage | None:
    """What a server sent; None for a type that this version does not know (to be ignored)."""
    try:
        return _server_message.decode(content)
    except UNREADABLE as error:
        kind = _message_type(content)
        if kind.type and kind.type not in _SERVER_TYPES:
            return None
        raise _frame_invalid(content, error, kind) from None


def _decode_lifted(content: bytes | str) -> ClientMessage | None:
    """The message of a text with large pictures; None where it is to be read as a whole."""
    lifted = lift(content) if isinstance(content, str) else None
    if lifted is None:
        return None
    decoder = msgspec.json.Decoder(ClientMessage, dec_hook=lifted.put_back)
    try:
        message: ClientMessage = decoder.decode(lifted.text)
    except UNREADABLE:
        return None  # reading the whole says what is wrong, in the words of what was sent
    return message if lifted.is_whole_again else None


def _decode_with_fault(
    content: bytes | str, error: Exception, max_rows: int
) -> Hello | ReadRows | None:
    kind = _message_type(content)
    if kind.type and kind.type not in _CLIENT_TYPES:
        return None
    if kind.type != "rows":
        raise _frame_invalid(content, error, kind)
    try:
        envelope = _envelope.decode(content)
    except UNREADABLE as worse:
        raise _frame_invalid(content, worse, kind) from None
    _check_count(envelope.frame, len(envelope.rows), max_rows)
    rows: list[Row] = []
    invalid: list[tuple[str, RowInvalid]] = []
    for raw in envelope.rows:
        try:
            rows.append(_decode_row(raw))
        except UNREADABLE as fault:
            invalid.append((_id_of(raw, envelope.frame), explain(bytes(raw), fault)))
    return ReadRows(envelope.frame, rows, invalid)


def _decode_row(raw: Raw) -> Row:
    """One row. A picture that is not even base64 does not lose the sighting: it reads as junk."""
    try:
        return _row.decode(raw)
    except msgspec.ValidationError as fault:
        if explain(bytes(raw), fault).field != "data.image":
            raise
    row = msgspec.json.decode(raw)
    row["data"]["image"] = _NO_PICTURE
    return _row.decode(_encoder.encode(row))


def _message_type(content: bytes | str) -> _MessageType:
    try:
        return _type.decode(content)
    except UNREADABLE:
        return _MessageType()


def _id_of(raw: Raw, frame: int) -> str:
    """A row without a readable id cannot be answered by itself: then the frame is refused."""
    try:
        row_id = _row_id.decode(raw).id
    except UNREADABLE:
        row_id = ""
    if not row_id:
        raise FrameInvalid(
            ErrorCode.INVALID_FIELD, "rows: a row without a readable id", frame=frame
        )
    return row_id


def _check_count(frame: int, count: int, max_rows: int) -> None:
    if count > max_rows:
        raise FrameInvalid(
            ErrorCode.TOO_LARGE,
            f"rows: {count} in one frame, at most {max_rows} are taken",
            frame=frame,
        )


def _frame_invalid(content: bytes | str, error: Exception, kind: _MessageType) -> FrameInvalid:
    fault = explain(content, error)
    try:
        frame = msgspec.convert(kind.frame, FrameNumber)
    except msgspec.ValidationError:
        frame = None
    return FrameInvalid(fault.code, fault.message, frame=frame)

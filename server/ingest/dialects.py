"""The two exchanges as a conversation sees them: a frame in, rows to store, words to answer with.

No I/O; `read` may run in any thread, one frame of a connection at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final, Protocol

from server.ingest.writer import NotStored, RowOutcome
from server.storage.protocol import Stored
from wire.accepted import AcceptedRow
from wire.classic import ClassicRefused, ClassicServerSession
from wire.errors import ErrorCode, PeerMisbehaved
from wire.limits import Credit, Limits
from wire.server_session import FrameRefused, HelloReceived, RowsReceived, ServerSession
from wire.v1 import RowResult

_V1_WINDOW: Final = 64
_CLASSIC_IDLE_S: Final = 3600.0

Wording = Callable[[Sequence[RowOutcome], Credit], bytes]


@dataclass(frozen=True, slots=True)
class Fault:
    """A row or frame that was refused: an `ErrorCode`, and words for the log."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a frame asks for: `rows` to be stored, then the answer in `wording`'s words.

    `faults` says what was refused already.
    """

    rows: Sequence[AcceptedRow]
    wording: Wording
    faults: tuple[Fault, ...] = ()


class Dialect(Protocol):
    """An exchange. `window` frames may be unanswered; `idle_s` without a frame end it."""

    @property
    def window(self) -> int: ...

    @property
    def idle_s(self) -> float | None: ...

    def read(self, content: str) -> Turn | None:
        """The turn that a frame asks for, None where it asks for none.

        Raises PeerMisbehaved where the connection cannot go on.
        """
        ...


class V1Dialect:
    """`sightpost.v1` after its welcome."""

    window: int = _V1_WINDOW
    idle_s: float | None = None  # a quiet road is no fault; the pings tell a dead line

    def __init__(self, session: ServerSession) -> None:
        self._session = session

    def read(self, content: str) -> Turn | None:
        match self._session.receive(content):
            case None:
                return None
            case HelloReceived():
                raise PeerMisbehaved("hello was said already on this connection")
            case FrameRefused(answer=answer, code=code):
                return Turn(
                    rows=(),
                    wording=lambda _outcomes, _credit: answer,
                    faults=(Fault(code, answer.decode(errors="replace")),),
                )
            case RowsReceived(frame=frame, rows=rows, refused=refused):
                return Turn(
                    rows=rows,
                    wording=lambda outcomes, credit: self._session.acknowledge(
                        frame,
                        [*refused, *map(_result_of, rows, outcomes)],
                        credit=credit,
                        rows_stored=_rows_stored(outcomes),
                    ),
                    faults=tuple(map(_fault_of, refused)),
                )


class ClassicDialect:
    """The older system's exchange: a frame, its answer, the next frame."""

    window: int = 1
    idle_s: float | None = _CLASSIC_IDLE_S

    def __init__(
        self, *, device_id: str | None, limits: Limits, zone_of: Callable[[str], tzinfo]
    ) -> None:
        self._session = ClassicServerSession(device_id=device_id, limits=limits, zone_of=zone_of)

    def read(self, content: str) -> Turn | None:
        row = self._session.receive(content)
        if isinstance(row, ClassicRefused):
            answer = row.answer
            return Turn(
                rows=(),
                wording=lambda _outcomes, _credit: answer,
                faults=(Fault(row.error.code, row.error.message),),
            )
        return Turn(rows=(row,), wording=lambda outcomes, _credit: self._word(row, outcomes[0]))

    def _word(self, row: AcceptedRow, outcome: RowOutcome) -> bytes:
        match outcome:
            case Stored(record_id=record_id):
                return self._session.stored(row, record_id)
            case NotStored(message=message):
                return self._session.failed(row, f"not stored, send it again later: {message}")
            case _:
                return self._session.failed(row, "another row has this one's id")


def _fault_of(refused: RowResult) -> Fault:
    return Fault(refused.code or "", f"{refused.id} {refused.message}")


def _rows_stored(outcomes: Sequence[RowOutcome]) -> int | None:
    return max((each.rows_stored for each in outcomes if isinstance(each, Stored)), default=None)


def _result_of(row: AcceptedRow, outcome: RowOutcome) -> RowResult:
    match outcome:
        case Stored(record_id=record_id, is_duplicate=is_duplicate):
            return RowResult(id=row.id, success=True, record_id=record_id, duplicate=is_duplicate)
        case NotStored(code=code, message=message, retry_after_s=retry_after_s):
            return RowResult(
                id=row.id,
                success=False,
                code=code,
                message=message,
                retry=True,
                retry_after_s=retry_after_s,
            )
        case _:
            return RowResult(
                id=row.id,
                success=False,
                code=ErrorCode.ID_CONFLICT,
                message=f"id: another row has {row.id}, with other content or from another device",
            )

"""Takes a CSV file into a list, piece by piece, beside everything else, and says how far it is."""

from __future__ import annotations

import asyncio
import contextlib
import io
import tempfile
from collections.abc import AsyncIterable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from itertools import islice
from typing import IO, Final

import structlog

from server.errors import QuestionInvalid, ServerError, TooBusy
from server.watchlist.contract import EntryChange, EntryDetails, ImportState, LineFault, Put
from server.watchlist.csv_entries import entries_below, heading_of
from server.watchlist.entry_words import difference
from server.watchlist.keeping import RuleStore
from server.watchlist.rules import Subject

PIECE_LINES: Final = 1000
"""In one transaction; an import that ends early has taken whole pieces."""
KEPT: Final = 100
"""Of what is wrong, and of what is changed, so much is told."""
IN_MEMORY_BYTES: Final = 1024 * 1024
"""A larger file lies on the disk while it is read."""

_log = structlog.get_logger(__name__)
_NOTHING: Final[tuple[EntryChange, ...]] = ()
_Piece = list[tuple[int, EntryDetails | LineFault]]


class Importing:
    """One import at a time; `changed` is called after each piece."""

    def __init__(
        self,
        store: RuleStore,
        *,
        zone: tzinfo,
        now: Callable[[], datetime],
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._zone = zone
        self._now = now
        self._changed = changed
        self._state: ImportState | None = None
        self._task: asyncio.Task[None] | None = None
        self._count = 0

    def state(self) -> ImportState | None:
        return self._state

    def check_free(self) -> None:
        """Raises TooBusy while an import is under way."""
        if self._state is not None and self._state.is_running:
            raise TooBusy("another import is under way: wait for its end")

    async def start(
        self, list_id: int, subject: Subject, by: str, content: AsyncIterable[bytes], all_bytes: int
    ) -> ImportState:
        """Returns once the whole file is here. Raises TooBusy."""
        self.check_free()
        self._count += 1
        self._state = ImportState(
            id=self._count,
            list_id=list_id,
            all_bytes=all_bytes,
            done_bytes=0,
            lines=0,
            put=Put(added=0, changed=0),
            wrong=0,
            faults=(),
            is_running=True,
        )
        file = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 (the task closes it)
        try:
            async for part in content:
                await asyncio.to_thread(file.write, part)
            size = file.tell()
            file.seek(0)
        except BaseException:
            file.close()
            self._note(is_running=False, fault="the file did not come whole: send it again")
            raise
        state = self._note(all_bytes=size)
        self._task = asyncio.create_task(self._run(list_id, subject, by, file))
        return state

    async def finished(self) -> ImportState | None:
        """The state when the import in hand has ended."""
        if self._task is not None:
            await asyncio.wait([self._task])
        return self._state

    async def close(self) -> None:
        """Ends an import after the piece in hand; idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, list_id: int, subject: Subject, by: str, file: IO[bytes]) -> None:
        fault: str | None = "it broke off, the server's log says why: send the file again"
        try:
            with contextlib.closing(file):
                await self._take_all(list_id, subject, by, file)
            fault = None
        except asyncio.CancelledError:
            fault = "the server was stopped: send the file again"
            raise
        except ServerError as error:
            fault = str(error)
            _log.warning("import of a watchlist ended before its time", reason=fault)
        finally:
            self._note(is_running=False, fault=fault)

    async def _take_all(self, list_id: int, subject: Subject, by: str, file: IO[bytes]) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
        heading = await asyncio.to_thread(heading_of, text, subject)
        entries = entries_below(heading, text, subject, self._zone)
        while piece := await asyncio.to_thread(_next, entries):
            good = [each for _, each in piece if isinstance(each, EntryDetails)]
            wrong = [each for _, each in piece if isinstance(each, LineFault)]
            put, changes = Put(added=0, changed=0), _NOTHING
            if good:
                put, changes = await self._store.put_entries(
                    list_id, good, by=by, now=self._now(), said=heading.fields
                )
                self._changed()
            self._count_piece(len(piece), put, wrong, changes, file)
        if self._state is not None and not self._state.lines:
            raise QuestionInvalid("the file has no entries below its line of headings")

    def _count_piece(
        self,
        lines: int,
        put: Put,
        wrong: list[LineFault],
        changes: Sequence[EntryChange],
        file: IO[bytes],
    ) -> None:
        held = self._state
        if held is None:
            return
        told = [_words(each, self._zone) for each in changes[: KEPT - len(held.changes)]]
        self._note(
            done_bytes=min(file.tell(), held.all_bytes),
            lines=held.lines + lines,
            put=Put(
                added=held.put.added + put.added,
                changed=held.put.changed + put.changed,
                same=held.put.same + put.same,
            ),
            changes=(*held.changes, *told),
            wrong=held.wrong + len(wrong),
            faults=(*held.faults, *wrong)[:KEPT],
        )

    def _note(self, **changes: object) -> ImportState:
        assert self._state is not None  # noqa: S101 - an import is under way
        self._state = replace(self._state, **changes)  # type: ignore[arg-type]
        return self._state


def _next(entries: Iterator[tuple[int, EntryDetails | LineFault]]) -> _Piece:
    return list(islice(entries, PIECE_LINES))


def _words(change: EntryChange, zone: tzinfo) -> str:
    listed = change.after.plate or f"person {change.after.class_id}"
    return f"{listed}: {difference(change.before, change.after, zone)}"

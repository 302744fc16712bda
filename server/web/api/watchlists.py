"""Routes of watchlists: lists, their entries, and whole files of entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from pydantic import Field

from server.accounts.permissions import Permission
from server.row_id import LARGEST_ID
from server.storage.reading.sightings import Matching
from server.watchlist.contract import (
    COOLDOWN_S,
    LEAST_LIKELIHOOD,
    MOST_ON_A_PAGE,
    Entry,
    EntryDetails,
    EntryPage,
    ImportState,
    ListDetails,
    Watchlist,
    Watchlists,
)
from server.watchlist.rules import Kind, Subject
from server.web.api.moments import moment
from server.web.api.problems import responses
from server.web.api.section import Section
from server.web.api.wanted import Wanted
from server.web.security.demands import CurrentCaller, requires

_SEES = [requires(Permission.SEE_WATCHLISTS)]
_EDITS = [requires(Permission.EDIT_WATCHLISTS)]
_REFUSED = responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)

Before = Annotated[
    int | None, Query(ge=1, le=LARGEST_ID, description="`next_before` of the page before.")
]
Limit = Annotated[int, Query(ge=1, le=MOST_ON_A_PAGE)]


class ListWanted(Wanted):
    """A list; what is left out is as shown here. `schedule` is text such as
    `mon-fri 08:00-18:00; sat 09:00-12:00`."""

    name: str = Field(examples=["stolen"])
    kind: Kind = Kind.ALERT
    subject: Subject = Subject.PLATES
    note: str = ""
    device_ids: tuple[str, ...] = ()
    schedule: str = ""
    cooldown_s: int = COOLDOWN_S
    least_percent: float | None = None
    least_likelihood: float = LEAST_LIKELIHOOD
    is_enabled: bool = True
    goes_to_cameras: bool = False

    def details(self) -> ListDetails:
        return ListDetails(**self.model_dump())


class EntryWanted(Wanted):
    """An entry: a plate with `*` and `?`, or the number of an enrolled person. Times, and days: the
    last one is included."""

    plate: str = Field(default="", examples=["1กก 1234"])
    matching: Matching = Matching.LIKELY
    class_id: int | None = None
    reason: str = Field(default="", examples=["reported on 2026-08-01"])
    valid_from: str | None = Field(default=None, examples=["2026-08-01"])
    valid_until: str | None = Field(default=None, examples=["2026-12-31T18:00:00+07:00"])
    schedule: str = ""
    device_ids: tuple[str, ...] = ()
    cooldown_s: int | None = None

    def details(self, zone: tzinfo) -> EntryDetails:
        """Times without offset, and days, are of `zone`. Raises QuestionInvalid."""
        times = {
            "valid_from": moment("valid_from", self.valid_from, zone),
            "valid_until": moment("valid_until", self.valid_until, zone, ends=True),
        }
        return EntryDetails(**{**self.model_dump(), **times})


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryAnswer(Entry):
    """`before`: what stood there of the same plate or person; null: it is new."""

    before: EntryDetails | None


def add_watchlists(app: FastAPI, watchlists: Watchlists, zone: tzinfo) -> None:
    """All routes of watchlists; each asks for its permission. Times without offset are of
    `zone`."""
    _lists_router(watchlists, zone).put_into(app)
    _imports_router(watchlists).put_into(app)


def _lists_router(watchlists: Watchlists, zone: tzinfo) -> Section:
    """Everything below /api/v1/watchlists."""
    router = Section(prefix="/api/v1/watchlists", tags=["watchlists"])
    _add_lists(router, watchlists)
    _add_entries(router, watchlists, zone)
    return router


def _imports_router(watchlists: Watchlists) -> Section:
    """Everything below /api/v1/watchlist-imports, where bodies may be large."""
    router = Section(prefix="/api/v1/watchlist-imports", tags=["watchlists"])

    @router.get("/last", dependencies=_SEES)
    async def last() -> ImportState | None:
        """How far the last import has come; null where there was none since the start."""
        return watchlists.import_state()

    @router.post(
        "/{list_id}",
        dependencies=_EDITS,
        status_code=HTTPStatus.ACCEPTED,
        responses=_REFUSED,
        openapi_extra={"requestBody": {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    )
    async def take(list_id: int, caller: CurrentCaller, request: Request) -> ImportState:
        """Begins to take entries from a CSV file: the first line names the columns (`plate` or
        `class_id`, `matching`, `reason`, `valid_from`, `valid_until`, `schedule`, `cameras`,
        `cooldown_s`). A wrong line is told, the others are taken; of an entry that is there, what
        the file has no column for stays, and `changes` says what is another. Audited."""
        size = request.headers.get("content-length", "0")
        return await watchlists.import_csv(
            caller, list_id, request.stream(), all_bytes=int(size) if size.isdecimal() else 0
        )

    return router


def _add_lists(router: Section, watchlists: Watchlists) -> None:
    @router.get("", dependencies=_SEES)
    async def lists() -> tuple[Watchlist, ...]:
        """All lists, by name."""
        return await watchlists.lists()

    @router.post("", dependencies=_EDITS, status_code=HTTPStatus.CREATED, responses=_REFUSED)
    async def make(wanted: ListWanted, caller: CurrentCaller) -> Watchlist:
        """A new list. Audited."""
        return await watchlists.make_list(caller, wanted.details())

    @router.get("/{list_id}", dependencies=_SEES, responses=_REFUSED)
    async def one(list_id: int) -> Watchlist:
        """One list; its entries are below it."""
        return await watchlists.list_of(list_id)

    @router.put("/{list_id}", dependencies=_EDITS, responses=_REFUSED)
    async def change(list_id: int, wanted: ListWanted, caller: CurrentCaller) -> Watchlist:
        """All details of a list: what the body leaves out becomes as of a new list. Audited."""
        return await watchlists.change_list(caller, list_id, wanted.details())

    @router.delete(
        "/{list_id}", dependencies=_EDITS, status_code=HTTPStatus.NO_CONTENT, responses=_REFUSED
    )
    async def drop(list_id: int, caller: CurrentCaller) -> None:
        """Deletes a list with its entries; alerts that it raised stay. Audited."""
        await watchlists.drop_list(caller, list_id)


def _add_entries(router: Section, watchlists: Watchlists, zone: tzinfo) -> None:
    @router.get("/{list_id}/entries", dependencies=_SEES, responses=_REFUSED)
    async def entries(
        list_id: int,
        search: Annotated[str, Query(max_length=200, description="In plate or reason.")] = "",
        before: Before = None,
        limit: Limit = 50,
    ) -> EntryPage:
        """Entries, the newest first."""
        return await watchlists.entries(list_id, search=search, before=before, limit=limit)

    @router.post(
        "/{list_id}/entries",
        dependencies=_EDITS,
        status_code=HTTPStatus.CREATED,
        responses=_REFUSED,
    )
    async def put(
        list_id: int, wanted: EntryWanted, caller: CurrentCaller, response: Response
    ) -> EntryAnswer:
        """A new entry; one of the same plate (and matching) or person is changed instead: the
        status is 200 then, `before` says what it was, and what the body leaves out stays. Audited.
        """
        said = frozenset(wanted.model_fields_set)
        placed = await watchlists.put_entry(caller, list_id, wanted.details(zone), said=said)
        if placed.before is not None:
            response.status_code = HTTPStatus.OK
        entry = placed.entry
        return EntryAnswer(
            id=entry.id,
            list_id=entry.list_id,
            details=entry.details,
            changed_by=entry.changed_by,
            changed_at=entry.changed_at,
            before=placed.before,
        )

    @router.delete(
        "/{list_id}/entries/{entry_id}",
        dependencies=_EDITS,
        status_code=HTTPStatus.NO_CONTENT,
        responses=_REFUSED,
    )
    async def take_out(list_id: int, entry_id: int, caller: CurrentCaller) -> None:
        """Takes an entry out. Audited."""
        await watchlists.drop_entry(caller, list_id, entry_id)

"""Routes of sightings: search, one with its evidence and picture, export, corrections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends, Header, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from server.accounts.contract import Action
from server.accounts.permissions import Permission
from server.storage.reading.sightings import (
    MOST_CARDS,
    Correction,
    Count,
    MinuteCount,
    Order,
    SightingDetail,
    SightingFilter,
    SightingPage,
)
from server.web.api import examples, export, filters
from server.web.api.moments import moment
from server.web.api.parts import ApiParts
from server.web.api.problems import responses
from server.web.api.section import Section
from server.web.api.wanted import Wanted
from server.web.security.demands import CurrentCaller, requires

WantedSightings = Annotated[filters.Wanted, Depends(filters.wanted)]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]
_KEPT_FOR_EVER: Final = "private, max-age=31536000, immutable"


class Format(StrEnum):
    """csv: for spreadsheets. json: an object a line, with corrections (and evidence)."""

    CSV = "csv"
    JSON = "json"


class CorrectionWanted(Wanted):
    """What is on the plate, and why it is known."""

    plate: str = Field(examples=["1กก 1234"])
    note: str = Field(default="", examples=["read from the picture"])


def sightings_router(parts: ApiParts) -> Section:
    """Everything below /api/v1/sightings."""
    router = Section(prefix="/api/v1/sightings", tags=["sightings"])
    _add_search(router, parts)
    _add_export(router, parts)
    _add_one(router, parts)
    _add_corrections(router, parts)
    return router


def _add_search(router: Section, parts: ApiParts) -> None:
    sees = [requires(Permission.SEE_SIGHTINGS)]
    asked_wrongly = responses(HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE)

    @router.get(
        "", dependencies=sees, responses=examples.shown(examples.SIGHTING_PAGE) | asked_wrongly
    )
    async def search(
        wanted: WantedSightings,
        order: Order | None = None,
        cursor: Annotated[
            str | None, Query(description="`next_cursor` of the page before.")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_CARDS)] = 50,
    ) -> SightingPage:
        """Sightings, the newest first; with a plate the likeliest first, unless `order` says
        otherwise. A page whose `searched_back_to` is set was broken off to stay quick: its
        `next_cursor` goes on from there. Cursors show what was stored when the first page was
        asked for."""
        chosen = wanted.in_zone(parts.zone)
        asked = order or (Order.LIKELIEST if chosen.plate else Order.NEWEST)
        return await parts.library.sightings.page(chosen, order=asked, cursor=cursor, limit=limit)

    @router.get("/count", dependencies=sees, responses=asked_wrongly)
    async def count(wanted: WantedSightings) -> Count:
        """How many match; estimated where they are very many."""
        return await parts.library.sightings.count(wanted.in_zone(parts.zone))

    @router.get("/per-minute", dependencies=sees, responses=asked_wrongly)
    async def per_minute(
        minutes: Annotated[int, Query(ge=1, le=1440)] = 60, until: str | None = None
    ) -> tuple[MinuteCount, ...]:
        """Sightings of each of the last minutes, the oldest first."""
        end = moment("until", until, parts.zone) or parts.now()
        return await parts.library.sightings.per_minute(until=end, minutes=minutes)


def _add_export(router: Section, parts: ApiParts) -> None:
    @router.get(
        "/export",
        dependencies=[requires(Permission.EXPORT)],
        response_class=StreamingResponse,
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE)
        | {200: {"content": {"text/csv": {}, "application/x-ndjson": {}}}},
    )
    async def take_away(
        caller: CurrentCaller,
        wanted: WantedSightings,
        format: Format = Format.CSV,  # noqa: A002 (the word in the address)
        evidence: Annotated[bool, Query(description="JSON with the evidence.")] = False,
    ) -> StreamingResponse:
        """All that match, as a stream; `X-Sightings-Count` says how many, about where
        `X-Sightings-Count-Is-Exact` is false. It ends when whoever asked goes away.
        Audited."""
        chosen = wanted.in_zone(parts.zone)
        counted = await parts.library.sightings.count(chosen)
        await parts.auditor.audit(
            caller, Action.EXPORT, "sightings", f"{format.value}, {counted.count}: {chosen}"
        )
        name = f"sightings-{parts.now():%Y%m%dT%H%M%SZ}.{format.value}"
        return StreamingResponse(
            _lines(parts, chosen, format, with_evidence=evidence and format is Format.JSON),
            media_type="text/csv; charset=utf-8"
            if format is Format.CSV
            else "application/x-ndjson; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "no-store",
                "X-Sightings-Count": str(counted.count),
                "X-Sightings-Count-Is-Exact": "true" if counted.is_exact else "false",
            },
        )


async def _lines(
    parts: ApiParts, chosen: SightingFilter, form: Format, *, with_evidence: bool
) -> AsyncIterator[str]:
    """Worded on a thread: the event loop is the cameras'."""
    word = export.csv_of if form is Format.CSV else export.json_of
    if form is Format.CSV:
        yield export.csv_header()
    async for details in parts.library.sightings.every(chosen, with_evidence=with_evidence):
        yield await asyncio.to_thread(word, details)


def _add_one(router: Section, parts: ApiParts) -> None:
    sees = [requires(Permission.SEE_SIGHTINGS)]
    missing = responses(HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)

    @router.get(
        "/{sighting_id}",
        dependencies=sees,
        responses=examples.shown(examples.SIGHTING_DETAIL) | missing,
    )
    async def sighting(sighting_id: int) -> SightingDetail:
        """One sighting with its evidence and the history of its corrections."""
        return await parts.library.sightings.detail(sighting_id)

    @router.get(
        "/{sighting_id}/picture",
        dependencies=sees,
        response_class=Response,
        responses=missing | {200: {"content": {"image/jpeg": {}, "image/png": {}}}, 304: {}},
    )
    async def picture(
        sighting_id: int, if_none_match: Annotated[str | None, Header()] = None
    ) -> Response:
        """The picture as it came. It never changes: `ETag` is its SHA-256."""
        found = await parts.library.pictures.picture(sighting_id)
        etag = f'"{found.sha256}"'
        headers = {"ETag": etag, "Cache-Control": _KEPT_FOR_EVER}
        if if_none_match is not None and etag in if_none_match:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        ending = "png" if found.media_type == "image/png" else "jpg"
        headers["Content-Disposition"] = f'inline; filename="sighting-{sighting_id}.{ending}"'
        headers["X-Content-Type-Options"] = "nosniff"
        return Response(found.content, media_type=found.media_type, headers=headers)


def _add_corrections(router: Section, parts: ApiParts) -> None:
    corrects = [requires(Permission.CORRECT)]
    refused = responses(
        HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE
    )

    @router.post(
        "/{sighting_id}/corrections",
        dependencies=corrects,
        status_code=HTTPStatus.CREATED,
        responses=examples.shown(examples.CORRECTION, HTTPStatus.CREATED) | refused,
    )
    async def correct(
        sighting_id: int, wanted: CorrectionWanted, caller: CurrentCaller
    ) -> Correction:
        """Puts a reading right; the camera's own is kept. Audited."""
        await parts.auditor.audit(
            caller, Action.CORRECTION, f"sighting {sighting_id}", f"to {wanted.plate!r}"
        )
        return await parts.library.corrections.correct(
            sighting_id, wanted.plate, by=caller.name, now=parts.now(), note=wanted.note
        )

    @router.delete("/{sighting_id}/corrections/last", dependencies=corrects, responses=refused)
    async def undo(sighting_id: int, caller: CurrentCaller) -> Correction:
        """Takes back the last correction that still stands. Audited."""
        await parts.auditor.audit(
            caller, Action.CORRECTION, f"sighting {sighting_id}", "taken back"
        )
        return await parts.library.corrections.undo(sighting_id, by=caller.name, now=parts.now())

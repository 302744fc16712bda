"""Routes of the centre's own data: sizes, what the server counted, pruning with a preview."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import Query
from pydantic import Field

from server.accounts.contract import Action
from server.accounts.permissions import Permission
from server.storage.reading.data import DataSizes, PrunePreview, PruneState, StatsPoint
from server.web.api import examples
from server.web.api.cameras import DEFAULT_SPAN, From, Points, To
from server.web.api.moments import moment
from server.web.api.parts import ApiParts
from server.web.api.problems import responses
from server.web.api.section import Section
from server.web.api.wanted import Wanted
from server.web.security.demands import CurrentCaller, requires

OlderThan = Annotated[int, Query(ge=1, le=36500, description="Whole days (UTC) since arrival.")]


class PruneWanted(Wanted):
    """What arrived longer ago than this goes, with the pictures of those days."""

    older_than_days: int = Field(ge=1, le=36500, examples=[30])


def data_router(parts: ApiParts) -> Section:
    """Everything below /api/v1/data."""
    router = Section(prefix="/api/v1/data", tags=["data"])
    sees = [requires(Permission.SEE_DATA)]
    refused = responses(HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE)

    @router.get(
        "/sizes", dependencies=sees, responses=examples.shown(examples.DATA_SIZES) | refused
    )
    async def sizes(days: Annotated[int, Query(ge=1, le=366)] = 31) -> DataSizes:
        """What is on the disk, by table and by day."""
        return await parts.library.data.sizes(days=days)

    @router.get("/stats", dependencies=sees, responses=refused)
    async def stats(
        since: From = None, until: To = None, points: Points = 240
    ) -> tuple[StatsPoint, ...]:
        """What the server counted of itself, in steps of time."""
        end = moment("to", until, parts.zone, ends=True) or parts.now() + timedelta(seconds=1)
        begin = moment("from", since, parts.zone) or end - DEFAULT_SPAN
        return await parts.library.data.stats(since=begin, until=end, points=points)

    _add_pruning(router, parts)
    return router


def _add_pruning(router: Section, parts: ApiParts) -> None:
    sees = [requires(Permission.SEE_DATA)]
    refused = responses(HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE)

    @router.get("/prune/preview", dependencies=sees, responses=refused)
    async def preview(older_than_days: OlderThan) -> PrunePreview:
        """What pruning would take. Looks at every row: seconds on a large database."""
        return await parts.library.pruning.preview(older_than_days=older_than_days, now=parts.now())

    @router.get("/prune", dependencies=sees)
    async def prune_state() -> PruneState | None:
        """How far the last pruning has come; null where there was none since the start."""
        return parts.library.pruning.state()

    @router.post(
        "/prune",
        dependencies=[requires(Permission.DELETE_DATA)],
        status_code=HTTPStatus.ACCEPTED,
        responses=refused,
    )
    async def prune(wanted: PruneWanted, caller: CurrentCaller) -> PruneState:
        """Begins to give up what is old, beside the running server. Audited."""
        await parts.auditor.audit(
            caller,
            Action.DELETION,
            "rows and pictures",
            f"older than {wanted.older_than_days} days",
        )
        return await parts.library.pruning.start(
            older_than_days=wanted.older_than_days, now=parts.now()
        )

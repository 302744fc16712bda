"""Routes of cameras: the board, one camera, its health over time, its books."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import Query

from server.accounts.permissions import Permission
from server.storage.reading.cameras import CameraBooks, CameraCard, CameraDetail, HealthHistory
from server.web.api import examples
from server.web.api.moments import moment
from server.web.api.parts import ApiParts
from server.web.api.problems import responses
from server.web.api.section import Section
from server.web.security.demands import requires

DEFAULT_SPAN = timedelta(hours=24)

Points = Annotated[int, Query(ge=10, le=1000, description="Steps of time at most.")]
From = Annotated[str | None, Query(alias="from", description="Default: a day before `to`.")]
LastDay = Annotated[date | None, Query(description="In UTC; default: today.")]
To = Annotated[str | None, Query(alias="to", description="Default: now.")]


def cameras_router(parts: ApiParts) -> Section:
    """Everything below /api/v1/cameras. A device id may hold any character, also a slash."""
    router = Section(
        prefix="/api/v1/cameras",
        tags=["cameras"],
        dependencies=[requires(Permission.SEE_CAMERAS)],
    )
    unknown = responses(
        HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE
    )

    @router.get("", responses=examples.shown([examples.CAMERA_CARD]))
    async def board() -> tuple[CameraCard, ...]:
        """Every camera that was ever heard of, with its state: online, late or silent."""
        return await parts.library.cameras.board(now=parts.now(), connected=parts.connected())

    @router.get("/{device_id:path}/health", responses=unknown)
    async def health(
        device_id: str, since: From = None, until: To = None, points: Points = 240
    ) -> HealthHistory:
        """States of each component, and its measures thinned out; at most 31 days."""
        end = moment("to", until, parts.zone, ends=True) or parts.now()
        begin = moment("from", since, parts.zone) or end - DEFAULT_SPAN
        return await parts.library.cameras.health(device_id, since=begin, until=end, points=points)

    @router.get(
        "/{device_id:path}/books", responses=examples.shown(examples.CAMERA_BOOKS) | unknown
    )
    async def books(
        device_id: str,
        until: Annotated[
            date | None, Query(description="The last day, UTC; default: today.")
        ] = None,
        days: Annotated[int, Query(ge=1, le=31)] = 7,
    ) -> CameraBooks:
        """*Nothing missing*: captured = acknowledged + waiting + refused + evicted, by day."""
        last = until or _today(parts.now())
        return await parts.library.cameras.books(device_id, until=last, days=days)

    @router.get("/{device_id:path}", responses=unknown)
    async def camera(device_id: str) -> CameraDetail:
        """One camera: its health now, its last report, the settings that it reported."""
        return await parts.library.cameras.camera(
            device_id, now=parts.now(), connected=parts.connected()
        )

    return router


def _today(now: datetime) -> date:
    return now.astimezone(UTC).date()

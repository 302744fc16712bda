"""Routes of alerts: their history, one of them, and what people say of it."""

from __future__ import annotations

from datetime import tzinfo
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import Field

from server.accounts.contract import Caller
from server.accounts.permissions import Permission
from server.errors import NotThere
from server.row_id import LARGEST_ID
from server.watchlist.contract import (
    MOST_ON_A_PAGE,
    Alert,
    AlertChange,
    AlertFilter,
    AlertPage,
    Alerts,
    Source,
    Verdict,
)
from server.web.api.moments import moment
from server.web.api.problems import responses
from server.web.api.section import Section
from server.web.api.wanted import Wanted
from server.web.security.demands import CurrentCaller, requires

_REFUSED = responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)


From = Annotated[str | None, Query(alias="from", description="Raised then or later.")]
To = Annotated[str | None, Query(alias="to", description="Raised before; of a day, to its end.")]


Before = Annotated[
    int | None, Query(ge=1, le=LARGEST_ID, description="`next_before` of the page before.")
]


class AlertSaid(Wanted):
    """What is left out stays as it is. A verdict acknowledges the alert, and so does an empty body;
    a note alone does not. `is_open` true opens it again and takes the verdict back."""

    verdict: Verdict | None = None
    note: str | None = Field(default=None, examples=["another car of the same make"])
    is_open: bool | None = None


def add_alerts(app: FastAPI, alerts: Alerts, zone: tzinfo) -> None:
    """All routes of alerts; each asks for its permission. Times without offset are of `zone`."""
    _router(alerts, zone).put_into(app)


def _router(alerts: Alerts, zone: tzinfo) -> Section:
    router = Section(prefix="/api/v1/alerts", tags=["alerts"])
    sees = [requires(Permission.SEE_ALERTS)]

    @router.get("", dependencies=sees, responses=_REFUSED)
    async def history(
        caller: CurrentCaller,
        since: From = None,
        until: To = None,
        watchlist: Annotated[
            int | None, Query(ge=1, le=LARGEST_ID, description="The id of a list.")
        ] = None,
        camera: str = "",
        plate: Annotated[str, Query(max_length=64, description="Look-alikes too.")] = "",
        open: Annotated[bool | None, Query(description="Not acknowledged.")] = None,  # noqa: A002 (the word in the address)
        verdict: Verdict | None = None,
        before: Before = None,
        limit: Annotated[int, Query(ge=1, le=MOST_ON_A_PAGE)] = 50,
    ) -> AlertPage:
        """Alerts by when they were raised, the newest first. Those of persons are for who may see
        people."""
        chosen = AlertFilter(
            since=moment("from", since, zone),
            until=moment("to", until, zone, ends=True),
            list_id=watchlist,
            device_id=camera,
            plate=plate,
            is_open=open,
            verdict=verdict,
            with_persons=caller.may(Permission.SEE_PEOPLE),
        )
        return await alerts.page(chosen, before=before, limit=limit)

    @router.get("/{alert_id}", dependencies=sees, responses=_REFUSED)
    async def one(alert_id: int, caller: CurrentCaller) -> Alert:
        """One alert."""
        return await _shown(alerts, alert_id, caller)

    @router.patch(
        "/{alert_id}", dependencies=[requires(Permission.JUDGE_ALERTS)], responses=_REFUSED
    )
    async def change(alert_id: int, said: AlertSaid, caller: CurrentCaller) -> Alert:
        """Acknowledges an alert, with a verdict and a note; notes something; opens it again.
        Audited."""
        await _shown(alerts, alert_id, caller)
        return await alerts.change(caller, alert_id, AlertChange(**said.model_dump()))

    return router


async def _shown(alerts: Alerts, alert_id: int, caller: Caller) -> Alert:
    """Of a person, to who may see people."""
    alert = await alerts.one(alert_id)
    if alert.source is Source.FACES and not caller.may(Permission.SEE_PEOPLE):
        raise NotThere(f"alert {alert_id} is of a person: {Permission.SEE_PEOPLE.demand}")
    return alert

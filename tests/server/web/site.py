"""The HTTP application on real accounts, asked as browsers and programs ask it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import httpx
from fastapi import FastAPI
from httpx import ASGITransport

from server.accounts.permissions import Permission, Role
from server.faces.history_contract import FaceGallery
from server.storage.reading.library import Library
from server.watch_side import WatchSide
from server.web.application import create_application
from server.web.health import (
    DatabaseHealth,
    DetailedHealth,
    DiskHealth,
    HealthReport,
    MemoryHealth,
    ProcessorHealth,
    QueueHealth,
)
from server.web.pages.centre import Centre
from server.web.parts import WebParts
from server.web.realtime import Feed
from server.web.security.rules import Door
from telemetry.error_book import ErrorBook
from telemetry.metrics import Reading
from telemetry.request_meter import RequestMeter
from tests.server.accounts.conftest import ADMIN, PASSWORD, House

URL = "http://centre.example:8080"
FAR = "192.0.2.7"
HERE = "127.0.0.1"


def healthy(**given: Any) -> HealthReport:
    return HealthReport(
        **{
            "status": "ok",
            "database": "db/websocket_server.db",
            "connections": 2,
            "rows_received": 7,
            "uptime_s": 1.5,
            "version": "1.2.3",
            **given,
        }
    )


def detailed(report: HealthReport) -> DetailedHealth:
    return DetailedHealth(
        **report.model_dump(),
        cpu=ProcessorHealth(percent=12.5, cores=4, load_1m=0.5),
        memory=MemoryHealth(process_bytes=1, available_bytes=2, total_bytes=3),
        disk=DiskHealth(free_bytes=1, total_bytes=2),
        database_state=DatabaseHealth(status="ok", size_bytes=1, answered_in_ms=0.2),
        queue=QueueHealth(waiting_rows=0, used_bytes=0, limit_bytes=1),
        services=[],
    )


async def measured_nothing() -> dict[str, object]:
    """The realtime message of a server that measured nothing yet."""
    return {}


class NoFigures:
    """A server that measured nothing yet."""

    def __init__(self) -> None:
        self.requests = RequestMeter("server")

    async def read(self) -> Sequence[Reading]:
        return []


@dataclass
class Site:
    """`house` holds the accounts; `health` is what the server says of itself."""

    house: House
    library: Library
    faces: FaceGallery
    watching: WatchSide
    trusts_this_machine: bool = False
    health: HealthReport | None = None
    errors: ErrorBook = field(default_factory=ErrorBook)
    _open: tuple[bool, HealthReport | None, FastAPI] | None = None

    def application(self) -> FastAPI:
        report = self.health or healthy()

        async def reported() -> HealthReport:
            return report

        async def details() -> DetailedHealth:
            return detailed(report)

        house, library, watching = self.house, self.library, self.watching
        return create_application(
            WebParts(
                report=reported,
                figures=NoFigures(),
                feed=Feed(measured_nothing),
                signing_in=house.reception,
                centre=Centre(
                    library=library,
                    errors=self.errors,
                    auditor=house.store,
                    connected=frozenset,
                    now=house.clock.now,
                    zone=UTC,
                    watchlists=watching.watchlists,
                    alerts=watching.alerts,
                    channels=watching.channels,
                    alerted=watching.alerted,
                    accounts=house.office,
                    faces=self.faces,
                    live=lambda: None,
                    version="",
                    details=details,
                ),
                register=house.store,
                door=Door(trusts_this_machine=self.trusts_this_machine),
            )
        )

    def browser(
        self,
        address: str = FAR,
        *,
        url: str = URL,
        app: FastAPI | None = None,
        **headers: str,
    ) -> httpx.AsyncClient:
        """Somebody at `address`; headers with dashes are written with underscores. All come to the
        same application, while nothing that it was built of changes."""
        transport = ASGITransport(app or self._opened(), client=(address, 50123))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.AsyncClient(transport=transport, base_url=url, headers=named)

    def _opened(self) -> FastAPI:
        if self._open is None or self._open[:2] != (self.trusts_this_machine, self.health):
            self._open = (self.trusts_this_machine, self.health, self.application())
        return self._open[2]

    async def session(self, role: Role) -> str:
        """Of a new account of that role, signed in."""
        name = f"{role.value}.{len(await self.house.office.list_users())}"
        await self.house.office.make_user(ADMIN, name, PASSWORD, role)
        return (await self.house.reception.sign_in(name, PASSWORD, FAR)).session

    async def token(self, role: Role, *scopes: Permission) -> str:
        """An API token of a new account of that role."""
        name = f"{role.value}.{len(await self.house.office.list_users())}"
        await self.house.office.make_user(ADMIN, name, PASSWORD, role)
        caller = await self.house.caller(name)
        return await self.house.office.make_token(caller, "a program", frozenset(scopes))

"""GET /health...: is the server fit to take rows, and how does it fare; in a form for machines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import FastAPI, Response
from pydantic import BaseModel

from server.accounts.contract import CallerKind
from server.accounts.permissions import Permission
from server.errors import StorageUnavailable
from server.faces.contract import Faces
from server.web.security.demands import CurrentCaller, open_to_all, requires


class BriefHealth(BaseModel):
    """`status` is ok or failing. All that strangers are told."""

    status: str


class HealthReport(BriefHealth):
    """`reason` says why it is failing."""

    database: str
    connections: int
    rows_received: int
    uptime_s: float
    version: str
    reason: str | None = None


class ProcessorHealth(BaseModel):
    """`percent` of all cores, of the last minute or as long as it is asked for, half a second at
    least."""

    percent: float
    cores: int
    load_1m: float


class MemoryHealth(BaseModel):
    process_bytes: int
    available_bytes: int
    total_bytes: int


class DiskHealth(BaseModel):
    """The disk of the database."""

    free_bytes: int
    total_bytes: int


class DatabaseHealth(BaseModel):
    """`answered_in_ms` None: it did not."""

    status: str
    size_bytes: int
    answered_in_ms: float | None
    reason: str | None = None


class QueueHealth(BaseModel):
    """Rows that were read and are not stored yet, and what may be held of them in memory."""

    waiting_rows: int
    used_bytes: int
    limit_bytes: int


class ServiceHealth(BaseModel):
    """One thing that the server does, since it was started: 95% of it took `p95_ms` or less.

    What was not measured is None.
    """

    name: str
    status: str
    done: int
    errors: int
    mean_ms: float | None
    p95_ms: float | None


class PartHealth(BaseModel):
    """A part beside the rows: alerts, MQTT, the stream. `status` is ok, or waiting with the reason;
    it goes on by itself, where it was."""

    name: str
    status: str
    reason: str | None = None


class FacesHealth(BaseModel):
    """The face gallery. `status` is ok, or waiting with the reason: models are missing, the index
    is being made ready, the database cannot be read."""

    status: str
    model: str | None = None
    persons: int = 0
    indexed: int = 0
    reason: str | None = None


class DetailedHealth(HealthReport):
    """`faces` None: there is no gallery."""

    cpu: ProcessorHealth
    memory: MemoryHealth
    disk: DiskHealth
    database_state: DatabaseHealth
    queue: QueueHealth
    services: list[ServiceHealth]
    parts: list[PartHealth] = []
    faces: FacesHealth | None = None


Report = Callable[[], Awaitable[HealthReport]]
Details = Callable[[], Awaitable[DetailedHealth]]


def add_health(app: FastAPI, report: Report, details: Details, faces: Faces | None = None) -> None:
    """All but `live` answer 200 while rows can be stored, 503 while not."""
    watchers = [open_to_all("whoever watches the server may know whether it works")]

    @app.get("/health", dependencies=watchers, tags=["health"], response_model_exclude_none=True)
    async def health(response: Response, caller: CurrentCaller) -> HealthReport | BriefHealth:
        """Whether rows can be stored; more to those who signed in."""
        found = _noted(await report(), response)
        return BriefHealth(status=found.status) if caller.kind is CallerKind.NOBODY else found

    @app.get("/health/live", dependencies=watchers, tags=["health"])
    async def live() -> BriefHealth:
        """That the server runs: what does not answer this is to be started anew."""
        return BriefHealth(status="ok")

    @app.get("/health/ready", dependencies=watchers, tags=["health"])
    async def ready(response: Response) -> BriefHealth:
        """Whether rows can be stored: what answers 503 is to be given time."""
        return BriefHealth(status=_noted(await report(), response).status)

    @app.get("/health/detailed", dependencies=[requires(Permission.SEE_SERVER)], tags=["health"])
    async def detailed(response: Response) -> DetailedHealth:
        """Processor, memory, disk, database, queue, and how each service performs."""
        found = await details()
        _noted(found, response)
        if faces is None:
            return found
        return found.model_copy(update={"faces": await _faces_health(faces)})


async def _faces_health(faces: Faces) -> FacesHealth:
    try:
        told = await faces.status()
    except StorageUnavailable as error:
        return FacesHealth(status="waiting", reason=str(error))
    return FacesHealth(
        status="ok" if told.problem is None else "waiting",
        model=told.model,
        persons=told.persons,
        indexed=told.indexed,
        reason=told.problem,
    )


def _noted(found: HealthReport, response: Response) -> HealthReport:
    if found.status != "ok":
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return found

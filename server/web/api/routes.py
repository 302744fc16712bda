"""All routes of `/api/v1`, put into an application."""

from __future__ import annotations

from fastapi import FastAPI

from server.web.api.analytics import analytics_router
from server.web.api.cameras import cameras_router
from server.web.api.data import data_router
from server.web.api.errors import errors_router
from server.web.api.parts import ApiParts
from server.web.api.section import Section
from server.web.api.sightings import sightings_router


def routers(parts: ApiParts) -> tuple[Section, ...]:
    """Each route asks for its permission: the gate must stand in front of the application."""
    return (
        *(sightings_router(parts), cameras_router(parts), data_router(parts)),
        *(analytics_router(parts), errors_router(parts.errors)),
    )


def add_api(app: FastAPI, parts: ApiParts) -> None:
    """The routes; server.web.errors tells their errors."""
    for router in routers(parts):
        router.put_into(app)

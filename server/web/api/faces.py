"""All routes of the face gallery, put into an application."""

from __future__ import annotations

from fastapi import FastAPI

from server.faces.contract import Faces
from server.web.api.older_faces import older_faces_router
from server.web.api.persons import faces_router, persons_router


def add_faces(app: FastAPI, faces: Faces) -> None:
    """Each route asks for its permission: the gate must stand in front of the application."""
    for router in (persons_router(faces), faces_router(faces), older_faces_router(faces)):
        app.include_router(router)

"""All routes of the face gallery, put into an application."""

from __future__ import annotations

from fastapi import FastAPI

from server.faces.history_contract import FaceGallery
from server.web.api.face_history import face_history_router
from server.web.api.older_faces import older_faces_router
from server.web.api.persons import faces_router, persons_router


def add_faces(app: FastAPI, faces: FaceGallery) -> None:
    """Each route asks for its permission: the gate must stand in front of the application."""
    routers = (
        persons_router(faces),
        faces_router(faces),
        face_history_router(faces),
        older_faces_router(faces),
    )
    for router in routers:
        router.put_into(app)

"""What went wrong with a request, as RFC 9457 words it: what, where, and what to do about it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from fastapi.responses import JSONResponse
from pydantic import BaseModel

MEDIA_TYPE: Final = "application/problem+json"


class Problem(BaseModel):
    """`detail` says what was seen, what was expected and what to do."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str


def responses(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses=`: which problems it may answer."""
    return {
        status.value: {
            "model": Problem,
            "description": status.phrase,
            "content": {MEDIA_TYPE: {}},
        }
        for status in statuses
    }


def problem(status: HTTPStatus, detail: str, path: str) -> JSONResponse:
    """Of a request to `path`."""
    said = Problem(title=status.phrase, status=status.value, detail=detail, instance=path)
    return JSONResponse(said.model_dump(), status_code=status, media_type=MEDIA_TYPE)

"""What went wrong with a request, as RFC 9457 words it: what, where, and what to do about it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from server.errors import (
    GroupRefused,
    NotThere,
    QuestionInvalid,
    ServerError,
    StorageUnavailable,
    TookTooLong,
)

MEDIA_TYPE: Final = "application/problem+json"
_LONGEST: Final = 80
_STATUS: Final[dict[type[ServerError], HTTPStatus]] = {
    QuestionInvalid: HTTPStatus.BAD_REQUEST,
    NotThere: HTTPStatus.NOT_FOUND,
    TookTooLong: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    GroupRefused: HTTPStatus.INTERNAL_SERVER_ERROR,
}


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


def add_problems(app: FastAPI) -> None:
    """Answers errors of the store and of reading a request, whichever route met them."""
    for kind in _STATUS:
        app.add_exception_handler(kind, _answer)
    app.add_exception_handler(RequestValidationError, _answer_invalid)


async def _answer(request: Request, error: Exception) -> JSONResponse:
    status = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
    answer = _problem(request, status, str(error))
    if isinstance(error, StorageUnavailable):
        answer.headers["Retry-After"] = f"{max(1, round(error.retry_after_s))}"
    return answer


async def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for no other
    said = [
        f"{'.'.join(str(part) for part in fault['loc'][1:]) or fault['loc'][0]}: {fault['msg']}, "
        f"got {_shortened(fault.get('input'))}"
        for fault in error.errors()
    ]
    return _problem(request, HTTPStatus.BAD_REQUEST, "; ".join(said))


def _problem(request: Request, status: HTTPStatus, detail: str) -> JSONResponse:
    problem = Problem(
        title=status.phrase, status=status.value, detail=detail, instance=request.url.path
    )
    return JSONResponse(problem.model_dump(), status_code=status, media_type=MEDIA_TYPE)


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."

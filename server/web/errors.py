"""How errors are told over HTTP: as problems below /api/, elsewhere as older clients read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from guarding.faults import request_fault
from server.accounts.contract import SignInFailed
from server.channels.contract import NotDelivered
from server.errors import (
    AccountRefused,
    FacesUnavailable,
    NotThere,
    PruneRefused,
    QuestionInvalid,
    QueueFull,
    ServerError,
    StorageUnavailable,
    TooBusy,
    TookTooLong,
)
from server.web.api.problems import problem
from server.web.methods import methods_at
from server.web.security.headers import API_POLICY, added_to

_API: Final = "/api/"
_LONGEST_TEXT: Final = 1000


def add_errors(app: FastAPI) -> None:
    """Errors of ours are told in their own words; what nobody foresaw, in none."""

    @app.exception_handler(ServerError)
    def told(request: Request, error: Exception) -> Response:
        return answer_to(request.url.path, error)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - by its registration
        text = "; ".join(request_fault(each) for each in error.errors())
        return said(request.url.path, 400, text[:_LONGEST_TEXT])

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - by its registration
        path = request.url.path
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            taken = methods_at(app.routes, path)
            if taken:  # none at what is mounted
                return wrong_method(request.method, path, taken)
        return said(path, error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(Exception)
    def broken(request: Request, error: Exception) -> Response:  # noqa: ARG001 - starlette's signature
        # Answered in front of the gate, so that its headers are set here; the server logs it.
        path = request.url.path
        answer = said(path, 500, "the server failed at this; its log says why")
        answer.raw_headers = added_to(answer.raw_headers, path=path, policy=API_POLICY)
        return answer


def said(path: str, status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request to `path` that failed."""
    answer: Response = JSONResponse({"status": "error", "message": text}, status)
    if path.startswith(_API):
        answer = problem(HTTPStatus(status), text, path)
    answer.headers.update(headers or {})
    return answer


def wrong_method(method: str, path: str, taken: Sequence[str]) -> Response:
    """The answer to who asked `path` with a method that it does not take."""
    allow = ", ".join(taken)
    text = f"{method} is not taken at {path}: expected {allow}"
    return said(path, HTTPStatus.METHOD_NOT_ALLOWED, text, {"allow": allow})


def answer_to(path: str, error: Exception) -> Response:
    """What is told of an error of ours to who asked for `path`."""
    status, retry_after_s = status_of(error)
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return said(path, status, str(error), headers)


def status_of(error: Exception) -> tuple[int, int | None]:
    """The HTTP status, and seconds after which to try again where that may help."""
    match error:
        case SignInFailed(wait_s=wait_s) if wait_s > 0:
            return 429, math.ceil(wait_s)
        case SignInFailed():
            return 401, None
        case AccountRefused() | QuestionInvalid() | PruneRefused():
            return 400, None
        case NotThere():
            return 404, None
        case NotDelivered():
            return 502, None
        case StorageUnavailable(retry_after_s=retry_after_s):
            return 503, math.ceil(retry_after_s)
        case QueueFull(retry_after_s=retry_after_s):
            return 503, math.ceil(retry_after_s)
        case FacesUnavailable():
            return 503, None
        case TooBusy() | TookTooLong():
            return 503, 5
        case _:
            return 500, None

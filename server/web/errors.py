"""How errors are told over HTTP: always `{"status": "error", "message": ...}`."""

from __future__ import annotations

import math

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from server.accounts.contract import SignInFailed
from server.errors import (
    AccountRefused,
    NotThere,
    PruneRefused,
    QuestionInvalid,
    ServerError,
    StorageUnavailable,
    TooBusy,
    TookTooLong,
)
from server.web.security.headers import API_POLICY, added_to

_LONGEST_TEXT = 1000


def add_errors(app: FastAPI) -> None:
    """Errors of ours are told in their own words; what nobody foresaw, in none."""

    @app.exception_handler(ServerError)
    def told(request: Request, error: Exception) -> Response:  # noqa: ARG001 - starlette's signature
        status, retry_after_s = status_of(error)
        headers = None if retry_after_s is None else {"retry-after": str(retry_after_s)}
        return said(status, str(error), headers)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: Exception) -> Response:  # noqa: ARG001 - likewise
        assert isinstance(error, RequestValidationError)  # noqa: S101 - by its registration
        faults = (
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        )
        return said(400, "; ".join(faults)[:_LONGEST_TEXT])

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: Exception) -> Response:  # noqa: ARG001 - likewise
        assert isinstance(error, HTTPException)  # noqa: S101 - by its registration
        return said(error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(Exception)
    def broken(request: Request, error: Exception) -> Response:  # noqa: ARG001 - likewise
        # Answered in front of the gate, so that its headers are set here; the server logs it.
        answer = said(500, "the server failed at this; its log says why")
        answer.raw_headers = added_to(answer.raw_headers, path=request.url.path, policy=API_POLICY)
        return answer


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
        case StorageUnavailable(retry_after_s=retry_after_s):
            return 503, math.ceil(retry_after_s)
        case TooBusy() | TookTooLong():
            return 503, 5
        case _:
            return 500, None


def said(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"status": "error", "message": text}, status, headers)

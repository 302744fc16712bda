"""The agent's HTTP application: the guard before it, REST, pages, and how errors are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from agent.errors import AgentError, TuningInvalid
from agent.web.api_v1 import add_v1
from agent.web.downloads import add_downloads
from agent.web.errors import NotThere, QuestionInvalid, SourceEnded
from agent.web.gatekeeper import Gatekeeper
from agent.web.guard import Guard
from agent.web.login import add_login
from agent.web.looks import ReadingCoach
from agent.web.metrics import add_metrics
from agent.web.older_api import add_older_api
from agent.web.pages import add_pages
from agent.web.parts import AgentParts
from agent.web.password import PasswordFile
from agent.web.records import Records
from agent.web.reference import add_reference
from agent.web.switching import add_switches
from agent.web.templating import rendered, wants_page
from agent.web.video import Video
from guarding.faults import request_fault
from guarding.origin import is_loopback
from telemetry.version import VERSION

LONGEST_TEXT: Final = 1000
STATIC: Final = Path(__file__).parent / "static"


class Site:
    """The application with what it holds; `close` ends its threads and may be repeated."""

    def __init__(self, parts: AgentParts, *, host: str, closing: asyncio.Event) -> None:
        records = Records(parts.database)
        keeper = Gatekeeper(PasswordFile.beside(parts.database))
        video = Video(parts.live, closing, is_coarse=parts.hides_people)
        coach = ReadingCoach(records, parts.spool)
        self._ends: tuple[Callable[[], None], ...] = (
            *(coach.close, video.close, keeper.close, records.close),
        )
        self.app = FastAPI(title="Sightpost camera", version=VERSION, docs_url=None, redoc_url=None)
        add_errors(self.app)
        add_switches(self.app, parts)
        add_older_api(self.app, parts, records)
        add_downloads(self.app, parts, records, video)
        add_v1(self.app, parts, records, coach)
        add_reference(self.app)
        add_login(self.app, keeper)
        add_pages(self.app, parts, records, coach)
        self.app.mount("/static", StaticFiles(directory=STATIC), name="static")
        self.app.add_middleware(Guard, keeper=keeper, is_loopback=is_loopback(host))
        add_metrics(self.app, parts)

    def close(self) -> None:
        for end in self._ends:
            end()


def add_errors(app: FastAPI) -> None:
    """Every error is told in the older system's form, to a browser as a page."""

    @app.exception_handler(AgentError)
    def told(request: Request, error: Exception) -> Response:
        return _said(request, _code_of(error), str(error))

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - by its registration
        text = "; ".join(request_fault(each) for each in error.errors())
        return _said(request, 400, text[:LONGEST_TEXT])

    @app.exception_handler(HTTPException)
    def no_route(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - by its registration
        asked = f"{request.method} {request.url.path}"
        text = f"Nothing here is called {asked}" if error.status_code == 404 else error.detail
        answer = _said(request, error.status_code, f"{text}: /docs lists what there is")
        answer.headers.update(error.headers or {})
        return answer


def _code_of(error: Exception) -> int:
    match error:
        case QuestionInvalid() | TuningInvalid():
            return 400
        case NotThere():
            return 404
        case SourceEnded():
            return 409
        case _:
            return 503


def _said(request: Request, code: int, text: str) -> Response:
    if wants_page(request.headers):
        return rendered(request, "missing.html", code=code, problem=text)
    return JSONResponse({"status": "error", "message": text}, status_code=code)

"""What is shown where a page does not exist, or failed while it was built."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from nicegui import Client, ui
from nicegui import app as pages_app
from nicegui.page import page as page_of

from server.web.api.problems import problem
from server.web.pages.centre import Centre
from server.web.pages.shell import Visit, fault, framed, ways_on
from server.web.pages.tags import tag
from server.web.security.demands import current_caller

_FOR_PROGRAMS = ("/_nicegui", "/static/")


def add_failures(centre: Centre) -> None:
    """In the same frame as every page; programs get JSON."""

    @pages_app.exception_handler(HTTPStatus.NOT_FOUND)
    async def not_found(request: Request, _: Exception) -> Response:
        path = request.scope.get("root_path", "") + request.scope["path"]
        if path.startswith("/api/"):
            return problem(HTTPStatus.NOT_FOUND, f"nothing is at {path}: see /docs", path)
        if path.startswith(_FOR_PROGRAMS):
            return JSONResponse({"detail": f"nothing is at {path}"}, HTTPStatus.NOT_FOUND)
        visit = Visit(request=request, caller=current_caller(request))
        place = page_of("", title="Not found · Sightpost")
        with (
            Client(place, request=request) as client,
            framed(centre, visit),
            tag("div", "card empty"),
        ):
            tag("h1", text="There is no such page")
            tag("p", "break", f"Nothing is at {path}.")
            ways_on(visit)
        return client.build_response(request, HTTPStatus.NOT_FOUND)

    @pages_app.on_page_exception
    def failed() -> None:
        request = ui.context.client.request
        visit = Visit(request=request, caller=current_caller(request))
        with framed(centre, visit):
            fault(visit, "The page could not be built; the server's log says why.", may_pass=True)

"""What is shown where a page does not exist, or failed while it was built."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import Response
from nicegui import Client, ui
from nicegui import app as pages_app
from nicegui.page import page as page_of

from server.web.errors import said, wrong_method
from server.web.methods import methods_at
from server.web.pages.centre import Centre
from server.web.pages.shell import Visit, fault, framed, ways_on
from server.web.pages.tags import tag
from server.web.security.demands import current_caller

_FOR_PROGRAMS = ("/api/", "/_nicegui", "/static/")


def add_failures(app: FastAPI, centre: Centre) -> None:
    """In the same frame as every page; programs get JSON. What `app` has at a path comes here too,
    where it is asked with another method."""

    @pages_app.exception_handler(HTTPStatus.NOT_FOUND)
    async def not_found(request: Request, _: Exception) -> Response:
        path = request.scope.get("root_path", "") + request.scope["path"]
        taken = methods_at(app.routes, path)
        if taken:
            return wrong_method(request.method, path, taken)
        is_page = "text/html" in request.headers.get("accept", "")
        if not is_page or path.startswith(_FOR_PROGRAMS):
            return said(path, HTTPStatus.NOT_FOUND, f"nothing is at {path}: see /docs")
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

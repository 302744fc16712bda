"""Logging in and out."""

from __future__ import annotations

import math
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from agent.web.coming_back import START, own_path
from agent.web.gatekeeper import Gatekeeper
from agent.web.guard import COOKIE, address_of, session_name
from agent.web.sessions import LASTS_S
from agent.web.templating import rendered


def add_login(app: FastAPI, keeper: Gatekeeper) -> None:
    @app.get("/login", include_in_schema=False)
    def login_page(request: Request) -> HTMLResponse:
        asked = own_path(request.query_params.get("next", START))
        return rendered(request, "login.html", asked=asked)

    @app.post("/login", include_in_schema=False)
    async def log_in(request: Request) -> Response:
        fields = parse_qs((await request.body()).decode("utf-8", "replace"))
        password = fields.get("password", [""])[0]
        asked = own_path(fields.get("next", [START])[0])
        answer = await keeper.log_in(password, address=address_of(request.scope))
        if answer.session is None:
            problem = "That is not the password."
            if answer.wait_s:
                problem = f"Too many attempts: try again in {math.ceil(answer.wait_s)} s."
            return rendered(request, "login.html", code=401, problem=problem, asked=asked)
        response = RedirectResponse(asked, status_code=303)
        response.set_cookie(
            COOKIE,
            answer.session,
            max_age=int(LASTS_S),
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    @app.post("/logout", include_in_schema=False)
    def log_out(request: Request) -> Response:
        name = session_name(dict(request.headers))
        if name:
            keeper.log_out(name)
        response = RedirectResponse("/login", status_code=303)
        response.delete_cookie(COOKIE)
        return response

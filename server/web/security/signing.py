"""Signing in and out, asking for an account, and making the first one: for browsers and programs.

A browser sends a form and is led on; anything else gets JSON. Each takes both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import parse_qs

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from server.accounts.contract import (
    SHORTEST_PASSWORD,
    Accounts,
    CallerKind,
    SignedIn,
    SigningIn,
)
from server.errors import AccountRefused, QuestionInvalid, ServerError
from server.web.errors import status_of
from server.web.security.demands import CurrentCaller, open_to_all
from server.web.security.forms import form_page
from server.web.security.knock import Knock, browser_cookie_name, cookie_name
from server.web.security.telling import LOGIN, local_path

_BROWSER_LASTS_S: Final = 180 * 86_400
_BECOMING_KNOWN: Final = [open_to_all("by this people become known")]


def current_knock(request: Request) -> Knock:
    knock = request.state.knock
    assert isinstance(knock, Knock)  # noqa: S101 - the gate put it there
    return knock


CurrentKnock = Annotated[Knock, Depends(current_knock)]


async def fields_of(request: Request) -> dict[str, str]:
    """Of a JSON object or a form. Raises QuestionInvalid."""
    body = await request.body()
    if not request.headers.get("content-type", "").startswith("application/json"):
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[0] for name, values in fields.items()}
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not all(map(_is_text, content.values())):
        raise QuestionInvalid(
            'expected a JSON object of texts such as {"username": "anna", "password": "..."}'
        )
    return content


def _is_text(value: Any) -> bool:
    """JSON can spell halves of characters, which are no text."""
    return isinstance(value, str) and not any("\ud800" <= each <= "\udfff" for each in value)


Fields = Annotated[dict[str, str], Depends(fields_of)]


@dataclass(frozen=True, slots=True)
class _Answers:
    """The answers to one attempt, in the form that its sender reads."""

    knock: Knock

    def signed_in(self, found: SignedIn, where: str) -> Response:
        answer: Response
        if self.knock.wants_page:
            answer = RedirectResponse(local_path(where), status_code=303)
        else:
            answer = JSONResponse(
                {
                    "status": "success",
                    "message": f"{found.user.name} is signed in",
                    "access_token": found.session,
                    "token_type": "bearer",
                    "expires_in": found.lasts_s,
                    "username": found.user.name,
                    "role": found.user.role.value,
                }
            )
        is_encrypted = self.knock.is_encrypted
        for name, value, lasts_s in (
            (cookie_name(is_encrypted=is_encrypted), found.session, found.lasts_s),
            (browser_cookie_name(is_encrypted=is_encrypted), found.browser, _BROWSER_LASTS_S),
        ):
            answer.set_cookie(
                name,
                value,
                max_age=lasts_s,
                httponly=True,
                samesite="lax",
                secure=is_encrypted,
            )
        return answer

    def failed(self, error: ServerError, page: str, **values: Any) -> Response:
        """Raises the error itself where no person looks: it is told as every error is."""
        if not self.knock.wants_page:
            raise error
        status, _ = status_of(error)
        return form_page(page, status=status, problem=_sentence(str(error)), **values)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def add_signing(app: FastAPI, signing_in: SigningIn, accounts: Accounts) -> None:
    _add_login(app, signing_in, accounts)
    _add_register(app, signing_in)
    _add_setup(app, signing_in)


def _add_login(app: FastAPI, signing_in: SigningIn, accounts: Accounts) -> None:
    @app.get("/login", dependencies=_BECOMING_KNOWN, include_in_schema=False)
    async def login_page(request: Request, caller: CurrentCaller) -> Response:
        where = local_path(request.query_params.get("next", "/"))
        if caller.kind is CallerKind.USER:
            return RedirectResponse(where, status_code=303)
        is_set_up = await signing_in.is_set_up()
        return form_page(
            "login.html", title="Sign in", next=where, username="", is_set_up=is_set_up
        )

    @app.post("/login", dependencies=_BECOMING_KNOWN, tags=["signing in"], openapi_extra=_LOGIN)
    async def log_in(knock: CurrentKnock, fields: Fields) -> Response:
        """Signs in with a JSON object or a form of `username` and `password`.

        Answers 200 with `access_token`, to be sent as `Authorization: Bearer` or as the cookie
        that is set too; 401 where name or password is wrong; 429 with Retry-After after too many
        attempts. A browser's form is answered with the way to `next`.
        """
        name, where = fields.get("username", ""), fields.get("next", "/")
        answers = _Answers(knock)
        replaced = knock.proof if knock.is_by_cookie else None
        try:
            found = await signing_in.sign_in(
                name,
                fields.get("password", ""),
                knock.address,
                replaced=replaced,
                browser=knock.browser,
            )
        except ServerError as error:
            return answers.failed(
                error,
                "login.html",
                title="Sign in",
                next=local_path(where),
                username=name,
                is_set_up=True,
            )
        return answers.signed_in(found, where)

    @app.post("/logout", dependencies=[open_to_all("ends one's own session")], tags=["signing in"])
    async def log_out(knock: CurrentKnock, caller: CurrentCaller) -> Response:
        """Ends the session that came along."""
        await accounts.end_session(caller)
        answer: Response = JSONResponse({"status": "success", "message": "signed out"})
        if knock.wants_page:
            answer = RedirectResponse(LOGIN, status_code=303)
        answer.delete_cookie(
            cookie_name(is_encrypted=knock.is_encrypted),
            httponly=True,
            samesite="lax",
            secure=knock.is_encrypted,
        )
        return answer


def _add_register(app: FastAPI, signing_in: SigningIn) -> None:
    title = "Ask for an account"

    def page(*, is_done: bool, status: int = 200) -> Response:
        return form_page(
            "register.html",
            title=title,
            status=status,
            username="",
            full_name="",
            shortest=SHORTEST_PASSWORD,
            is_done=is_done,
        )

    @app.get("/register", dependencies=_BECOMING_KNOWN, include_in_schema=False)
    async def register_page() -> Response:
        return page(is_done=False)

    @app.post(
        "/register",
        dependencies=_BECOMING_KNOWN,
        status_code=202,
        tags=["signing in"],
        openapi_extra=_REGISTER,
    )
    async def register(knock: CurrentKnock, fields: Fields) -> Response:
        """Asks for an account, with a JSON object or a form of `username`, `password` and
        `full_name`. Answers 202 also where the name is taken: an administrator decides.
        """
        name, full_name = fields.get("username", ""), fields.get("full_name", "")
        try:
            await signing_in.register(name, fields.get("password", ""), full_name, knock.address)
        except ServerError as error:
            return _Answers(knock).failed(
                error,
                "register.html",
                title=title,
                username=name,
                full_name=full_name,
                shortest=SHORTEST_PASSWORD,
                is_done=False,
            )
        if knock.wants_page:
            return page(is_done=True, status=202)
        text = "noted: you can sign in once an administrator has approved the account"
        return JSONResponse({"status": "success", "message": text}, 202)


def _add_setup(app: FastAPI, signing_in: SigningIn) -> None:
    title = "Welcome to Sightpost"

    @app.get("/setup", dependencies=_BECOMING_KNOWN, include_in_schema=False)
    async def setup_page(request: Request) -> Response:
        return form_page(
            "setup.html",
            title=title,
            key=request.query_params.get("key", ""),
            username="",
            shortest=SHORTEST_PASSWORD,
            is_set_up=await signing_in.is_set_up(),
        )

    @app.post("/setup", dependencies=_BECOMING_KNOWN, include_in_schema=False)
    async def set_up(knock: CurrentKnock, fields: Fields) -> Response:
        key, name = fields.get("key", ""), fields.get("username", "")
        try:
            found = await signing_in.set_up(key, name, fields.get("password", ""), knock.address)
        except AccountRefused as error:
            return _Answers(knock).failed(
                error,
                "setup.html",
                title=title,
                key=key,
                username=name,
                shortest=SHORTEST_PASSWORD,
                is_set_up=False,
            )
        return _Answers(knock).signed_in(found, "/")


def _body_of(**fields: str) -> dict[str, Any]:
    """How OpenAPI documents a body that is JSON or a form of these texts."""
    schema = {
        "type": "object",
        "properties": {name: {"type": "string", "example": fields[name]} for name in fields},
        "required": ["username", "password"],
    }
    kinds = ("application/json", "application/x-www-form-urlencoded")
    content = {kind: {"schema": schema} for kind in kinds}
    return {"requestBody": {"required": True, "content": content}}


_LOGIN: Final = _body_of(username="anna", password="correct horse battery")  # noqa: S106 (example)
_REGISTER: Final = _body_of(
    username="anna",
    password="correct horse battery",  # noqa: S106 (example)
    full_name="Anna Kowalska",
)

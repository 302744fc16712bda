"""Why a request is turned away, and how that is told."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException
from fastapi.requests import HTTPConnection

from server.accounts.permissions import Permission
from server.web.security.rules import Verdict


class Refused(HTTPException):
    """A request is not carried out; the text says what to do.

    The gate puts its own answer, a page for a browser, in place of the framework's: it finds the
    refusal in the scope's state, whichever mounted application raised it.
    """

    def __init__(self, status: int, text: str, connection: HTTPConnection) -> None:
        super().__init__(status_code=status, detail=text)
        state: dict[str, Any] = connection.scope["state"]
        state["refusal"] = self


class SignInNeeded(Refused):
    """Nobody has signed in."""

    def __init__(self, connection: HTTPConnection) -> None:
        verdict = Verdict.SIGN_IN_NEEDED
        super().__init__(verdict.status, verdict.text, connection)


class Forbidden(Refused):
    """The caller may not do this."""

    def __init__(self, permission: Permission, connection: HTTPConnection) -> None:
        super().__init__(403, permission.demand, connection)


class BodyTooLarge(Refused):
    """The body is larger than this path takes."""

    def __init__(self, most: int, connection: HTTPConnection) -> None:
        super().__init__(413, f"expected a body of at most {most} bytes", connection)


class BodyTooSlow(Refused):
    """The body stopped coming, or comes too slowly."""

    def __init__(self, connection: HTTPConnection) -> None:
        super().__init__(408, "the request's body came too slowly: send it again", connection)

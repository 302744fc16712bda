"""POST /api/v1/faces/search for programs that ask a thousand times a second: the answers of the
route in `persons.py`, without the framework's way to it.

Stands behind the gate, which has found out who calls, how fast and with how large a body. What is
asked wrongly goes on to the route, which says what is wrong with it.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated, Any, Final

import msgspec
from fastapi.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.accounts.permissions import Permission
from server.errors import ServerError
from server.faces.contract import Faces, FoundVector, Likeness
from server.web.errors import answer_to
from server.web.security.demands import Demand, current_caller

PATH: Final = "/api/v1/faces/search"
_ROUTE: Final = SimpleNamespace(path=PATH)
"""For whoever counts requests by their route."""
_DEMAND: Final = Demand(Permission.SEE_PEOPLE)


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `persons.SearchWanted`."""

    vector: Annotated[list[float], msgspec.Meta(min_length=1, max_length=4096)]
    model: str
    most: Annotated[int, msgspec.Meta(ge=1, le=32)] = 5


_DECODER: Final = msgspec.json.Decoder(Asked)
_ENCODER: Final = msgspec.json.Encoder()


class QuickSearch:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, *, faces: Faces) -> None:
        self._app = app
        self._faces = faces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_meant(scope):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        scope["route"] = _ROUTE
        await _DEMAND(connection)  # the gate answers what it raises
        body, is_whole = await _body(receive)
        asked = _asked(body) if is_whole else None
        if asked is None:
            await self._app(scope, _again(body, receive, is_whole=is_whole), send)
            return
        try:
            found = await self._faces.search(
                current_caller(connection), asked.vector, asked.model, most=asked.most
            )
            content = _ENCODER.encode(told(found))
            await _send(send, content)
        except ServerError as error:
            await answer_to(PATH, error)(scope, receive, send)


def told(found: FoundVector) -> dict[str, Any]:
    """As `persons.SearchAnswer`."""
    return {
        "outcome": found.outcome.value,
        "reason": found.reason,
        "likenesses": [_likeness(each) for each in found.likenesses],
    }


def _likeness(likeness: Likeness) -> dict[str, Any]:
    person = likeness.person
    details = person.details
    return {
        "person": {
            "class_id": person.class_id,
            "name": details.name,
            "age": details.age,
            "gender": details.gender,
            "place": details.place,
            "consent": details.consent,
            "purpose": details.purpose,
            "keep_until": details.keep_until,
            "enrolled_at": person.enrolled_at,
            "changed_at": person.changed_at,
            "pictures": person.pictures,
        },
        "score": likeness.score,
        "probability": likeness.probability,
        "is_denied": likeness.is_denied,
    }


def _is_meant(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["path"] == PATH
        and scope["method"] == "POST"
        and not scope["query_string"]
        and (b"content-type", b"application/json") in scope["headers"]
    )


async def _body(receive: Receive) -> tuple[bytes, bool]:
    """What came, and whether that is all: the caller may have gone."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and message.get("more_body", False):
        pieces = [body]
        while message["type"] == "http.request" and message.get("more_body", False):
            message = await receive()
            pieces.append(message.get("body", b""))
        body = b"".join(pieces)
    return body, message["type"] == "http.request"


def _again(body: bytes, receive: Receive, *, is_whole: bool) -> Receive:
    """Gives the body once more to whoever is next."""
    is_given = not is_whole

    async def given() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return given


def _asked(body: bytes) -> Asked | None:
    try:
        return _DECODER.decode(body)
    except msgspec.MsgspecError:
        return None


async def _send(send: Send, content: bytes) -> None:
    headers = [
        (b"content-length", str(len(content)).encode()),
        (b"content-type", b"application/json"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})

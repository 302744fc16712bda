"""Turns values into pages. Whatever comes out of a database or a request is escaped, always."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agent.percent import percent
from agent.web.sighting_view import REASONS, SENT_WORDS, confidence_share
from telemetry.version import VERSION

TEMPLATES: Final = Path(__file__).parent / "templates"
NOTHING: Final = "–"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": _percent,
        "day": lambda text: _split(text)[0],
        "clock": lambda text: _split(text)[1],
        "zone": _zone,
        "local_clock": _local_clock,
        "or_nothing": lambda value: NOTHING if value in (None, "") else value,
        "sent_word": lambda flag: SENT_WORDS.get(flag, NOTHING),
        "reason": lambda word: REASONS.get(word, word),
        "file_path": lambda name: quote(str(name), safe="/"),
        "number": _number,
        "plain": lambda value: "" if value is None else f"{value:g}",
    }
    environment.globals |= {"version": VERSION, "query": _query}
    return environment


def wants_page(headers: Mapping[str, str]) -> bool:
    """Whether a browser shows the answer to a person; `headers` by lower-case name."""
    return "text/html" in headers.get("accept", "")


def rendered(request: Request, name: str, *, code: int = 200, **values: Any) -> HTMLResponse:
    """The page `name` with these values; the session's token is in its head for the script."""
    session = getattr(request.state, "session", None)
    now = datetime.now().astimezone()
    content = (
        _environment()
        .get_template(name)
        .render(
            path=request.url.path,
            token=session.token if session else "",
            is_logged_in=session is not None,
            has_password=getattr(request.state, "has_password", False),
            now=now,
            ahead_s=(now.utcoffset() or timedelta()).total_seconds(),
            **{"problem": None, **values},
        )
    )
    return HTMLResponse(content, status_code=code)


def _percent(value: float | None) -> str:
    share = confidence_share(value)
    return NOTHING if share is None else percent(share)


def _split(text: Any) -> tuple[str, str]:
    """Day and time of a row's timestamp, as it stands there (local)."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return str(text or ""), ""
    return moment.strftime("%d %b %Y"), moment.strftime("%H:%M:%S")


def _zone(text: Any) -> str:
    """UTC, UTC+07:00; nothing where a row's timestamp does not say."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return ""
    return "" if moment.tzinfo is None else f"UTC{moment.isoformat()[-6:]}".removesuffix("+00:00")


def _local_clock(text: Any) -> str:
    """This device's time of a moment of ours, which is in UTC."""
    try:
        return datetime.fromisoformat(str(text)).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return str(text or "")


def _number(value: float | None, digits: int = 0) -> str:
    return NOTHING if value is None else f"{value:,.{digits}f}".replace(",", "\u202f")


def _query(values: dict[str, Any], **changes: Any) -> str:
    """A query string of what is not empty."""
    return urlencode({key: value for key, value in {**values, **changes}.items() if value != ""})

"""The plain pages for people whom the server does not know yet: they need no script at all."""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from server.web.security.headers import FORM_POLICY

_TEMPLATES: Final = Path(__file__).parent / "templates"
_HEADERS: Final = {"content-security-policy": FORM_POLICY}


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def form_page(name: str, *, title: str, status: int = 200, **values: Any) -> HTMLResponse:
    """The page `name` with these values, each of them shown as text."""
    text = _environment().get_template(name).render(title=title, **{"problem": None, **values})
    return HTMLResponse(text, status, _HEADERS)


def refused_page(
    status: int, text: str, *, sign_in: str | None, back: str | None = None
) -> HTMLResponse:
    """Why something is not shown or done; `sign_in` is where signing in may help, `back` the page
    that led here."""
    phrase = HTTPStatus(status).phrase
    text = f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "?", "!")) else ".")
    return form_page(
        "refused.html", title=phrase, status=status, text=text, sign_in=sign_in, back=back
    )

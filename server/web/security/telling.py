"""How somebody who is turned away is told: a page or the way to /login for people, JSON else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from fastapi.responses import RedirectResponse, Response

from server.web.errors import said
from server.web.security.forms import refused_page
from server.web.security.knock import Knock

LOGIN: Final = "/login"
_NO_WAY_BACK: Final = (LOGIN, "/register", "/setup", "")


def refusal_of(
    knock: Knock,
    status: int,
    text: str,
    *,
    retry_after_s: int | None = None,
    offers_sign_in: bool = False,
) -> Response:
    """The answer; where signing in would help a person, that page, which leads back here.

    `offers_sign_in`: the caller uses this machine without an account; one may be allowed more.
    """
    sign_in = f"{LOGIN}?next={quote(knock.path)}" if knock.method == "GET" else LOGIN
    is_unsigned = status == 401 or (status == 403 and offers_sign_in)
    if is_unsigned and knock.wants_page and knock.method == "GET":
        return RedirectResponse(sign_in, status_code=303)
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    if knock.wants_page:
        page = refused_page(
            status,
            text,
            sign_in=sign_in if offers_sign_in else None,
            back=way_back(knock.headers, knock.path),
        )
        page.headers.update(headers)
        return page
    return said(knock.path, status, text, headers)


def way_back(headers: Mapping[str, str], path: str) -> str | None:
    """The page of this server whose link led to `path`; None where none did, or it itself."""
    try:
        came_from = urlsplit(headers.get("referer", ""))
    except ValueError:
        return None
    if came_from.netloc.lower() != headers.get("host", "").lower() or came_from.path == path:
        return None
    page = local_path(f"{came_from.path}?{came_from.query}".rstrip("?"))
    return None if page == "/" or came_from.path in _NO_WAY_BACK else page


def local_path(wanted: str) -> str:
    """Where to go after signing in: a path of this server, or else its first page.

    Browsers take `//host` and `/\\host` for another server.
    """
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    has_controls = any(ord(each) < 0x20 for each in wanted)
    return wanted if is_ours and not has_controls and wanted != LOGIN else "/"

"""Where somebody comes to who has logged in: the page that was asked for before. Pure.

Never elsewhere: an address that anybody may write leads to a path of this camera, or to its start.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

START: Final = "/"
LONGEST: Final = 1000
_OWN: Final = re.compile(r"/(?!/)[^\s\\\x00-\x1f\x7f]*")
"""Browsers take a backslash for a slash and leave tabs out: `/\\host` and `//host` lead away."""


def login_path(asked: str) -> str:
    """The login page that leads to `asked`, a path with its query."""
    own = own_path(asked)
    return "/login" if own == START else f"/login?next={quote(own, safe='/')}"


def own_path(text: str) -> str:
    """`text` where it is a path of this camera, else the start."""
    is_own = len(text) <= LONGEST and _OWN.fullmatch(text) is not None
    leads_on = text.partition("?")[0] not in ("/login", "/logout")
    return text if is_own and leads_on else START

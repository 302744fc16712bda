"""Which methods a path takes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.routing import BaseRoute, Match, Route

_NO_METHOD: Final = "-"


def methods_at(routes: Sequence[BaseRoute], path: str) -> tuple[str, ...]:
    """Of all the routes that lead there, by name; none: no route does. Of several routes at one
    path the framework names the first alone, and of those before mounted pages none."""
    scope = {"type": "http", "path": path, "root_path": "", "method": _NO_METHOD, "headers": []}
    found: set[str] = set()
    for route in routes:
        if isinstance(route, Route) and route.matches(scope)[0] is Match.PARTIAL:
            found |= route.methods or set()
    return tuple(sorted(found))

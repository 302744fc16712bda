"""HAProxy in front of two servers on this machine, configured as docs/scaling.md says.

For the demonstration of several servers and for tests.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Final

DOCUMENT: Final = Path(__file__).resolve().parents[1] / "docs" / "scaling.md"
_BLOCK: Final = re.compile(r"```haproxy\n(.*?)```", re.DOTALL)
_PORT: Final = re.compile(r"\b(?:87\d\d|8080)\b")


class HaproxyMissing(Exception):
    """There is no HAProxy here; the text says how to get it."""


def program() -> str:
    """Where it is. Raises HaproxyMissing."""
    found = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise HaproxyMissing("haproxy is missing: apt-get install haproxy")
    return found


def configuration(
    port: int,
    *,
    servers: tuple[int, int],
    checks: tuple[int, int],
    pages: int | None = None,
    webs: tuple[int, int] = (0, 0),
) -> str:
    """The documented one with these ports: where cameras come, where servers take their rows, and
    where these say how they are; with `pages`, where browsers come, also those of the two `webs`.
    It listens on 127.0.0.1 alone."""
    documented = _BLOCK.findall(DOCUMENT.read_text(encoding="utf-8"))
    if len(documented) != len(("cameras", "pages")):
        raise ValueError(f"{DOCUMENT} has not the two configurations of HAProxy any more")
    text = "".join(documented if pages else documented[:1])
    text = re.sub(r"bind :(?=\d)", "bind 127.0.0.1:", text)
    ours = {
        "8765": port,
        "8771": servers[0],
        "8772": servers[1],
        "8781": checks[0],
        "8782": checks[1],
        "8080": pages or 0,
        "8791": webs[0],
        "8792": webs[1],
    }
    return _PORT.sub(lambda found: str(ours[found[0]]), text)

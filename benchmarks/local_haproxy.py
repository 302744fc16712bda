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
_PORT: Final = re.compile(r"\b87\d\d\b")


class HaproxyMissing(Exception):
    """There is no HAProxy here; the text says how to get it."""


def program() -> str:
    """Where it is. Raises HaproxyMissing."""
    found = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise HaproxyMissing("haproxy is missing: apt-get install haproxy")
    return found


def configuration(port: int, *, servers: tuple[int, int], checks: tuple[int, int]) -> str:
    """The documented one with these ports: where cameras come, where servers take their rows, and
    where these say how they are. It listens on 127.0.0.1 alone."""
    documented = _BLOCK.search(DOCUMENT.read_text(encoding="utf-8"))
    if documented is None:
        raise ValueError(f"{DOCUMENT} has no configuration of HAProxy any more")
    text = documented[1].replace("bind :8765", "bind 127.0.0.1:8765")
    ours = {
        "8765": port,
        "8771": servers[0],
        "8772": servers[1],
        "8781": checks[0],
        "8782": checks[1],
    }
    return _PORT.sub(lambda found: str(ours[found[0]]), text)

"""How a command fails."""

from __future__ import annotations

import sys
from typing import NoReturn


def fail(message: str) -> NoReturn:
    """Says what is wrong on stderr and ends with exit code 2."""
    sys.stderr.write(f"ERROR {message}\n")
    raise SystemExit(2)

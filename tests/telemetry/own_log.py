"""A test's own log: what it configures is undone afterwards."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import Any

import structlog


@contextlib.contextmanager
def own_log() -> Iterator[None]:
    """Without any handler at first."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers[:] = before
        root.setLevel(level)
        structlog.reset_defaults()
        for logger in _loggers_of_modules():
            vars(logger).pop("bind", None)


def _loggers_of_modules() -> Iterator[Any]:
    """Each keeps for good the configuration that it was first used under (in an attribute of this
    name), and a later test's `capture_logs` would hear nothing of it."""
    proxy = type(structlog.get_logger())
    for module in list(sys.modules.values()):
        yield from [each for each in vars(module).values() if type(each) is proxy]

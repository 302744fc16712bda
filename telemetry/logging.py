"""One log for a whole program: a line per event, to a file of bounded size and to stderr.

Never writes a secret: the values of keys that name one are replaced.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

import structlog

from telemetry.error_book import ErrorBook, ErrorHandler

FILE_BYTES: Final = 10 * 1024 * 1024
"""A log file grows to this, then becomes FILE.1; five older ones are kept."""
FILES_KEPT: Final = 5

_SECRET_KEYS: Final = frozenset({"token", "authorization", "password", "secret", "cookie"})
_CHATTY: Final = ("websockets", "uvicorn", "asyncio", "PIL")

_Event = MutableMapping[str, Any]


class LineForm(StrEnum):
    """CONSOLE: lines for people and grep. JSON: an object a line, for what collects logs."""

    CONSOLE = "console"
    JSON = "json"


def configure_logging(
    *,
    file: Path | None,
    level: str,
    to_stderr: bool,
    extra: Mapping[str, Path] | None = None,
    form: str = LineForm.CONSOLE,
    errors: ErrorBook | None = None,
) -> None:
    """Sends every event of this process, of structlog and of `logging` alike, to these places.

    `extra` gives files for the events of one package (by the name of its loggers), besides.
    `level` is debug, info, warning or error; `form` one of LineForm. Into `errors` goes what is
    logged as wrong. Raises OSError where the file cannot be opened.
    May be called again: the last call holds.
    """
    handlers: list[logging.Handler] = []
    if file is not None:
        handlers.append(_file_handler(file))
    for package, path in (extra or {}).items():
        if path != file:
            handler = _file_handler(path)
            handler.addFilter(logging.Filter(package))
            handlers.append(handler)
    if to_stderr:
        handlers.append(logging.StreamHandler(sys.stderr))
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            render_json if form == LineForm.JSON else render_line,
        ],
    )
    for handler in handlers:
        handler.setFormatter(formatter)
    if errors is not None:
        handlers.append(ErrorHandler(errors))
    _replace_root_handlers(handlers, level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def render_line(_logger: object, _method: str, event: _Event) -> str:
    """`TIME LEVEL event  key=value ...  [logger]`; a traceback follows, indented.

    What a peer sent cannot begin a line of its own: control characters are escaped.
    """
    level = str(event.pop("level", "info")).upper()
    said = _escaped(str(event.pop("event", "")))
    parts = [f"{event.pop('timestamp', '')} {level:<7} {said}"]
    name = event.pop("logger", None)
    trace = event.pop("exception", None)
    parts += [f"{key}={_value(value)}" for key, value in event.items() if not key.startswith("_")]
    if name:
        parts.append(f"[{name}]")
    line = "  ".join(parts)
    if trace:
        line += "".join(f"\n    {_escaped(each)}" for each in str(trace).splitlines())
    return line


def render_json(_logger: object, _method: str, event: _Event) -> str:
    """The same as one JSON object: `timestamp`, `level`, `event`, `logger` and the facts.

    Halves of characters, which a peer can send and no file takes, are escaped.
    """
    line = json.dumps(
        {key: value for key, value in event.items() if not key.startswith("_")},
        ensure_ascii=False,
        default=str,
    )
    return line.encode("utf-8", "backslashreplace").decode()


def hide_secrets(_logger: object, _method: str, event: _Event) -> _Event:
    """Replaces what must not be read by those who read logs."""
    for key in event:
        if key.lower() in _SECRET_KEYS:
            event[key] = "***"
    return event


_SHARED: Final[list[Any]] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    hide_secrets,
]


class _BoundedFile(RotatingFileHandler):
    """A log that cannot be written (disk full) is said once on stderr and never stops the work."""

    _has_complained = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 (logging's own signature)
        if not self._has_complained:
            self._has_complained = True
            sys.stderr.write(f"cannot write {self.baseFilename}: {sys.exc_info()[1]}\n")


def _file_handler(path: Path) -> logging.Handler:
    path.parent.mkdir(parents=True, exist_ok=True)
    return _BoundedFile(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")


def _replace_root_handlers(handlers: list[logging.Handler], level: str) -> None:
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _value(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    escaped = _escaped(text)
    return repr(escaped) if " " in escaped or not escaped else escaped


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )

"""Keeps what an operator has set in a file beside the database, and tells those it concerns."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from agent.errors import TuningInvalid, TuningNotKept
from agent.tuning import Tuning, parsed_tuning

log = structlog.get_logger(__name__)

Write = Callable[[Path, bytes], None]
"""Writes a file durably, whole or not at all; raises OSError."""
Listener = Callable[[Tuning], None]


class TuningFile:
    """Only what differs from the environment stands in the file. Safe from any thread.

    A file that cannot be read costs the settings in it, never the camera: that is told, the file
    is kept under another name, and the environment's values are in force.
    """

    def __init__(self, path: Path, *, base: Tuning, write: Write) -> None:
        self._path = path
        self._base = base
        self._write = write
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []
        self._current = self._read()

    @property
    def current(self) -> Tuning:
        return self._current

    @property
    def effective(self) -> Tuning:
        return over(self._base, self._current)

    def on_change(self, listener: Listener) -> None:
        """Calls it now and after each change with what is in force, in the changing thread."""
        with self._lock:
            self._listeners.append(listener)
            listener(self.effective)

    def change(self, tuning: Tuning) -> None:
        """Keeps it first, then puts it in force. Raises TuningNotKept."""
        content = tuning.model_dump_json(exclude_none=True, exclude_defaults=True, indent=2)
        with self._lock:
            try:
                self._write(self._path, f"{content}\n".encode())
            except OSError as error:
                raise TuningNotKept(
                    f"{self._path} cannot be written ({error}), nothing was changed: free disk "
                    "space or check the folder's permissions"
                ) from error
            self._current = tuning
            for listener in self._listeners:
                listener(self.effective)
        log.info("settings changed at the page", file=str(self._path))

    def _read(self) -> Tuning:
        try:
            content = self._path.read_text("utf-8")
        except FileNotFoundError:
            return Tuning()
        except (OSError, ValueError) as error:
            self._set_aside(str(error))
            return Tuning()
        try:
            return parsed_tuning(json.loads(content))
        except (TuningInvalid, ValueError) as error:
            self._set_aside(str(error))
            return Tuning()

    def _set_aside(self, why: str) -> None:
        aside = self._path.with_name(self._path.name + ".unreadable")
        try:
            self._path.replace(aside)
        except OSError:
            aside = self._path
        log.error(
            "settings made at the page cannot be read: the environment's are in force, set them "
            "anew",
            file=str(aside),
            reason=why[:500],
        )


def over(base: Tuning, tuning: Tuning) -> Tuning:
    """`tuning`, and `base` where it says nothing."""
    return tuning.model_copy(
        update={
            "min_confidence": _first(tuning.min_confidence, base.min_confidence),
            "cooldown_s": _first(tuning.cooldown_s, base.cooldown_s),
        }
    )


def _first(chosen: float | None, otherwise: float | None) -> float | None:
    return otherwise if chosen is None else chosen

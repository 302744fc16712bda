"""Where a demonstration keeps everything, and who may use that folder."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MARKER: Final = ".sightpost-demo"


class DemoFailed(Exception):
    """The demonstration cannot go on; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where this demonstration keeps everything."""

    data: Path

    @property
    def agent_database(self) -> Path:
        return self.data / "agent" / "db" / "lpr_data.db"

    @property
    def images(self) -> Path:
        return self.data / "agent" / "captured_images"

    @property
    def server_database(self) -> Path:
        return self.data / "server" / "db" / "websocket_server.db"

    @property
    def log(self) -> Path:
        return self.data / "log"

    @contextmanager
    def prepared(self, *, fresh: bool) -> Iterator[None]:
        """Makes the folders and keeps other demonstrations out of them.

        `fresh` empties a folder that an earlier demonstration made.
        """
        marker = self.data / MARKER
        if fresh and self.data.exists() and any(self.data.iterdir()) and not marker.is_file():
            raise DemoFailed(
                f"{self.data} was not made by this demonstration and is left alone: "
                "name another folder with --data"
            )
        self.data.mkdir(parents=True, exist_ok=True)
        with marker.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DemoFailed(
                    f"another demonstration runs in {self.data}: stop it, or name another folder "
                    "with --data"
                ) from None
            if fresh:
                self._empty()
            databases = (self.agent_database.parent, self.server_database.parent)
            for folder in (*databases, self.images, self.log):
                folder.mkdir(parents=True, exist_ok=True)
            yield

    def _empty(self) -> None:
        for entry in self.data.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != MARKER:
                entry.unlink()


def shown(path: Path) -> str:
    """Relative to where the person stands, if that is shorter to read."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)

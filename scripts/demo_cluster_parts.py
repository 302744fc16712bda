"""The parts of the demonstration of several servers: cameras, those that take rows, and pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from demo_places import DemoFailed
from demo_programs import Program, ask, await_health, ours, setup_path, start

BACKOFF_MAX_S: Final = 5
"""So long at most a camera waits between two attempts to be let in."""


@dataclass(slots=True, kw_only=True)
class Server:
    """One that takes rows (`--role ingest`); it may be killed and started again."""

    name: str
    folder: Path
    log: Path
    url: str
    port: int
    web_port: int
    program: Program | None = None
    said: dict[str, Any] = field(default_factory=dict)

    def start(self) -> None:
        arguments = ("run", "--role", "ingest", "--host", "127.0.0.1", "--port", str(self.port))
        settings = _shared(self.url, self.folder, self.log / f"{self.name}.log")
        settings["SERVER_DATABASE_CONNECTIONS"] = "4"
        self.program = start(
            self.name,
            ours("server", *arguments, "--web-port", str(self.web_port)),
            folder=self.folder,
            log=self.log / f"{self.name}.out",
            settings=settings,
        )

    def await_start(self) -> None:
        """Raises DemoFailed."""
        if self.program is not None:
            await_health(self.program, self.web_port)

    def look(self) -> None:
        self.said = ask(self.web_port) if self.is_running else {}

    @property
    def is_running(self) -> bool:
        return self.program is not None and self.program.is_running

    @property
    def lines(self) -> int:
        """How many cameras are on it."""
        return int(self.said.get("connections", 0))

    def kill(self) -> None:
        if self.program is not None:
            self.program.kill()
        self.said = {}

    def stop(self) -> None:
        if self.program is not None:
            self.program.stop()


@dataclass(slots=True, kw_only=True)
class Pages:
    """The process that shows pages (`--role web`); `front` is the port that browsers come to."""

    folder: Path
    log: Path
    url: str
    web_port: int
    front: int
    program: Program | None = None

    def start(self) -> None:
        settings = _shared(self.url, self.folder, self.log / "pages.log")
        settings["SERVER_FACES"] = "false"
        self.program = start(
            "pages",
            ours("server", "run", "--role", "web", "--web-port", str(self.web_port)),
            folder=self.folder,
            log=self.log / "pages.out",
            settings=settings,
        )

    def await_start(self) -> str:
        """The link by which an account is made. Raises DemoFailed."""
        if self.program is None:
            raise DemoFailed("the pages were not started")
        await_health(self.program, self.web_port)
        path = setup_path(self.program)
        if path is None:
            raise DemoFailed(f"the pages named no link:\n{self.program.tail()}")
        return f"http://127.0.0.1:{self.front}{path}"

    def stop(self) -> None:
        if self.program is not None:
            self.program.stop()


def _shared(url: str, folder: Path, log: Path) -> dict[str, str]:
    """Settings of every process of the server."""
    return {
        "SERVER_DATABASE_URL": url,
        "SERVER_IMAGE_STORE": (folder / "pictures").as_uri(),
        "SERVER_DB_PATH": str(folder / "websocket_server.db"),
        "SERVER_LOG_FILE": str(log),
    }


@dataclass(slots=True, kw_only=True)
class Camera:
    """An agent on a rendered road of its own; `server_port` is where it sends."""

    name: str
    number: int
    folder: Path
    log: Path
    vehicles: int
    server_port: int
    web_port: int
    program: Program | None = None
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        return self.folder / "lpr_data.db"

    def start(self) -> None:
        settings = {
            "AGENT_SOURCE": f"synthetic:?vehicles={self.vehicles}&seed={self.number}",
            "AGENT_DEVICE_ID": self.name,
            "CHECKPOINT_ID": str(self.number),
            "WEBSOCKET_SERVER_URL": f"ws://127.0.0.1:{self.server_port}/",
            "DB_PATH": str(self.database),
            "AGENT_IMAGES_DIR": str(self.folder / "captured_images"),
            "AGENT_LOG_FILE": str(self.log / f"{self.name}.log"),
            "WEBSOCKET_LOG_FILE": str(self.log / f"{self.name}-sender.log"),
            "AGENT_WEB_PORT": str(self.web_port),
            "AGENT_THREADS": "1",
            "UPLINK_BACKOFF_MAX_S": str(BACKOFF_MAX_S),
        }
        self.program = start(
            self.name,
            ours("agent", "run", "--until-end"),
            folder=self.folder,
            log=self.log / f"{self.name}.out",
            settings=settings,
        )

    def look(self) -> None:
        self.said = ask(self.web_port) or self.said

    @property
    def is_running(self) -> bool:
        return self.program is not None and self.program.is_running

    @property
    def is_halfway(self) -> bool:
        """Half of its road is read and a server has acknowledged something."""
        total = self.said.get("frames_total") or 0
        return bool(
            total and self.said["frames"] * 2 >= total and self.said.get("acknowledged", 0) > 0
        )

    def stop(self) -> int:
        return 0 if self.program is None else self.program.stop()

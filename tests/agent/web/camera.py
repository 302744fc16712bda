"""A whole agent in the test's own process with its page on a free port; only its rows are given."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agent.assembly import Opener, Parts, assembled
from agent.camera.factory import open_source
from agent.camera.uri import parse_source
from agent.config import PREFIXES, AgentSettings
from agent.outbox.durable import write_durably
from agent.page import Tasks, page_parts
from agent.switches import TaskSwitch
from agent.web.password import PasswordFile
from agent.web.serving import serve
from settings.loading import load
from tests.agent.outbox.sightings import plate

SOURCE = "synthetic:?width=320&height=180&fps=5&night=0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """`url` is the page's address without a slash at its end."""

    url: str
    parts: Parts
    tasks: Tasks
    settings: AgentSettings

    def pass_by(self, *texts: str) -> list[int]:
        """Stores sightings of these plates; their row ids."""
        outbox = self.parts.outbox
        return [outbox.record_plate(plate(text, seed=n)).row_id for n, text in enumerate(texts)]


@contextlib.asynccontextmanager
async def running_camera(
    folder: Path,
    *,
    password: str | None = None,
    host: str = "127.0.0.1",
    source: str = SOURCE,
    opener: Opener = open_source,
    memory_limit_mb: int = 0,
) -> AsyncIterator[Camera]:
    """With a server address at which nothing listens. `host` is what the page is told to be on;
    it listens on loopback in any case."""
    with socket.socket() as claimed:
        claimed.bind(("127.0.0.1", 0))
        nobody = claimed.getsockname()[1]
        settings = _settings(folder, nobody, memory_limit_mb)
        if password is not None:
            PasswordFile.beside(settings.db_path).set(password, write_durably)
        building = assembled(settings, parse_source(source), opener=opener)
        async with building as parts, asyncio.TaskGroup() as group:
            parts.live.pause()
            stop = asyncio.Event()
            assert parts.sender is not None
            tasks = Tasks(
                monitoring=TaskSwitch("health monitoring", parts.monitor.run),
                sending=TaskSwitch("sender", partial(parts.sender.run_in_turn, turn_s=0.05)),
            )
            listener = socket.create_server(("127.0.0.1", 0))
            page = page_parts(settings, parts, tasks)
            loop = asyncio.get_running_loop()
            watching = loop.run_in_executor(parts.watching, parts.watcher.run)
            group.create_task(tasks.monitoring.run(stop))
            group.create_task(tasks.sending.run(stop))
            group.create_task(serve(page, listener, host=host, stop=stop))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            try:
                yield Camera(url=url, parts=parts, tasks=tasks, settings=settings)
            finally:
                stop.set()
                parts.watcher.stop()
                await watching


def _settings(folder: Path, server_port: int, memory_limit_mb: int) -> AgentSettings:
    keys = {
        "DB_PATH": folder / "db" / "lpr_data.db",
        "AGENT_IMAGES_DIR": folder / "captured_images",
        "AGENT_LOG_FILE": folder / "app.log",
        "WEBSOCKET_LOG_FILE": folder / "sender.log",
        "WEBSOCKET_SERVER_URL": f"ws://127.0.0.1:{server_port}/",
        "HOSTNAME": "aicamera",
        "AGENT_MEMORY_LIMIT_MB": memory_limit_mb,
    }
    return load(AgentSettings, prefixes=PREFIXES, environ={}, env_files=(), overrides=keys)

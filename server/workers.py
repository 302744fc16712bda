"""Several processes that take rows on one port of one machine: started, watched, stopped together.

The first has the role that was asked for, the others take rows. The system deals new connections
out among those that listen (SO_REUSEPORT, socket(7)). One that dies is started again; its cameras
come back to any of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from server.config import ServerSettings
from server.errors import StartRefused
from server.listening import listener_on
from server.role import Role
from telemetry.service_manager import ServiceManager, report

RESTART_S: Final = 1.0
"""Before one that died is started again."""
EXIT_REFUSED: Final = 2
"""Of a worker that will not start as things are. At first to start it again would change nothing;
later it is the database that is away, and the others go on until it is back."""

_log = structlog.get_logger(__name__)


def check_workers(settings: ServerSettings, role: Role) -> None:
    """Raises StartRefused where there cannot be several."""
    if not settings.uses_postgres:
        raise StartRefused(
            "--workers needs a database that several processes share, which SQLite is not: write "
            "SERVER_DATABASE_URL=postgresql://USER:PASSWORD@HOST/DATABASE, or start without it"
        )
    if not role.takes_rows:
        raise StartRefused("--workers are processes that take rows: not with --role web")


async def run_workers(settings: ServerSettings, role: Role, count: int) -> int:
    """Until SIGTERM or Ctrl-C, or until one cannot start; the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # Bound and never listened on: it holds the port while workers come and go.
    with listener_on(settings.host, settings.port, "SERVER_PORT", shared=True) as held:
        port = int(held.getsockname()[1])
        workers = [_Worker(number, _arguments(number, role, port), stop) for number in range(count)]
        manager = ServiceManager.from_environment()
        async with asyncio.TaskGroup() as tasks:
            for worker in workers:
                tasks.create_task(worker.run())
            tasks.create_task(
                report(manager, status=lambda: _status(workers), works=tuple, stop=stop)
            )
    return max(worker.exit_code for worker in workers)


def _arguments(number: int, role: Role, port: int) -> tuple[str, ...]:
    """The first listens for browsers as it is set; of the others each takes a free port."""
    given = [*("run", "--shared-port", "--port", str(port)), *_passed_on(sys.argv[1:])]
    if number:
        return (*given, "--role", Role.INGEST.value, "--web-port", "0")
    return (*given, "--role", role.value)


def _passed_on(arguments: Sequence[str]) -> list[str]:
    """What was said on the command line, without what is another matter for each worker."""
    kept: list[str] = []
    left = iter(arguments)
    for argument in left:
        name, _, value = argument.partition("=")
        if name in ("--workers", "--port", "--role"):
            if not value:
                next(left, None)
        elif name not in ("run", "--shared-port"):
            kept.append(argument)
    return kept


def _status(workers: Sequence[_Worker]) -> str:
    alive = sum(worker.is_alive for worker in workers)
    return f"{alive} of {len(workers)} workers run"


class _Worker:
    """One process, again and again."""

    def __init__(self, number: int, arguments: tuple[str, ...], stop: asyncio.Event) -> None:
        self._number = number
        self._arguments = arguments
        self._stop = stop
        self.is_alive = False
        self.exit_code = 0

    async def run(self) -> None:
        """Until all stop."""
        is_first = True
        while not self._stop.is_set():
            code = await self._run_once()
            if self._stop.is_set():
                return
            if code == EXIT_REFUSED and is_first:
                _log.error("a worker cannot start: all stop", worker=self._number)
                self.exit_code = code
                self._stop.set()
                return
            is_first = False
            _log.error("a worker died and is started again", worker=self._number, code=code)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), RESTART_S)

    async def _run_once(self) -> int:
        """Its exit code; where all stop it is told to."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "server", *self._arguments),
            cwd=Path.cwd(),
            start_new_session=True,  # Ctrl-C reaches us alone, and we tell them
        )
        self.is_alive = True
        stopping = asyncio.create_task(self._stop.wait())
        ending = asyncio.create_task(process.wait())
        await asyncio.wait((stopping, ending), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if process.returncode is None:
            process.terminate()
        code = await ending
        self.is_alive = False
        return code

"""The programs of a chaos run as processes: one server, several cameras, each behind a proxy."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.faulty_proxy import FaultyProxy
from benchmarks.small_disk import SmallDisk

ROOT: Final = Path(__file__).resolve().parents[1]
RESTART_S: Final = 0.5
"""The camera's clock has been anywhere, so all that was ever acknowledged is sent again."""

START_S: Final = 60.0
STOP_S: Final = 15.0


class SiteBroken(Exception):
    """A program did not come up or would not stop: the run means nothing."""


@dataclass(slots=True, kw_only=True)
class Program:
    """One process that is started again whenever it ends, as systemd would, until told otherwise.

    `ended_by_itself` counts ends that nobody asked for; `stubborn` stops that took too long.
    """

    name: str
    command: list[str]
    folder: Path
    environment: dict[str, str]
    has_input: bool = False
    process: asyncio.subprocess.Process | None = None
    ended_by_itself: int = 0
    stubborn: int = 0
    _is_wanted: bool = False
    _starts: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _guard: asyncio.Task[None] | None = None

    async def start(self) -> None:
        async with self._lock:
            self._is_wanted = True
            if self.process is None:
                await self._spawn()

    async def end(self, number: signal.Signals) -> None:
        """Sends the signal and waits; after SIGTERM in vain, SIGKILL."""
        async with self._lock:
            self._is_wanted = False
            process, self.process = self.process, None
            if process is None or process.returncode is not None:
                return
            process.send_signal(number)
            try:
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            except TimeoutError:
                self.stubborn += 1
                process.kill()
                await process.wait()

    def say(self, line: str) -> None:
        """One line on the program's standard input."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.write(f"{line}\n".encode())

    def output(self) -> str:
        path = self._output_path
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    def _output_path(self) -> Path:
        return self.folder / f"{self.name}.out"

    async def _spawn(self) -> None:
        self._starts += 1
        with self._output_path.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *self._arguments(),
                cwd=self.folder,
                env=self.environment,
                stdin=asyncio.subprocess.PIPE if self.has_input else asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._guard = asyncio.create_task(self._keep_alive(self.process))

    def _arguments(self) -> list[str]:
        return [part.replace("{starts}", str(self._starts)) for part in self.command]

    async def _keep_alive(self, process: asyncio.subprocess.Process) -> None:
        await process.wait()
        if self.process is not process or not self._is_wanted:
            return
        self.ended_by_itself += 1
        await asyncio.sleep(RESTART_S)
        async with self._lock:
            if self._is_wanted and self.process is process:
                await self._spawn()


@dataclass(slots=True, kw_only=True)
class Camera:
    """One camera's files and programs; an embedded one sends from its recording program."""

    name: str
    disk: SmallDisk
    witness: Path
    proxy: FaultyProxy
    recorder: Program
    sender: Program | None

    @property
    def database(self) -> Path:
        return self.disk.folder / "db" / "lpr_data.db"

    @property
    def programs(self) -> list[Program]:
        return [self.recorder, *([self.sender] if self.sender else [])]


@dataclass(slots=True, kw_only=True)
class Centre:
    """The server's files and program."""

    disk: SmallDisk
    port: int
    web_port: int
    server: Program

    @property
    def database(self) -> Path:
        return self.disk.folder / "websocket_server.db"

    @property
    def pictures(self) -> Path:
        return self.disk.folder / "pictures"

    async def answers(self) -> None:
        """Returns once the server answers `GET /health`; raises SiteBroken after a minute."""
        deadline_s = time.monotonic() + START_S
        while not await asyncio.to_thread(self._is_up):
            if time.monotonic() > deadline_s:
                raise SiteBroken(f"the server did not start:\n{self.server.output()[-2000:]}")
            await asyncio.sleep(0.05)

    def _is_up(self) -> bool:
        address = f"http://127.0.0.1:{self.web_port}/health"
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                return bool(json.load(answer))
        except (OSError, ValueError):
            return False


def make_centre(folder: Path, disk: SmallDisk) -> Centre:
    port, web_port = _free_ports()
    command = [
        *disk.launcher, "server", "run", "--port", str(port), "--web-port", str(web_port),
        "--db", str(disk.folder / "websocket_server.db"),
    ]  # fmt: skip
    # Nobody looks at pages or for faces, and without it is back in half the time.
    environment = _environment(folder, SERVER_PAGES="false", SERVER_FACES="false")
    server = Program(name="server", command=command, folder=folder, environment=environment)
    return Centre(disk=disk, port=port, web_port=web_port, server=server)


async def make_camera(
    folder: Path,
    disk: SmallDisk,
    *,
    name: str,
    server_port: int,
    rate: float,
    seed: int,
    is_embedded: bool,
) -> Camera:
    proxy = FaultyProxy(server_port)
    await proxy.start()
    url = f"ws://127.0.0.1:{proxy.port}/"
    database, images = disk.folder / "db" / "lpr_data.db", disk.folder / "captured_images"
    witness = folder / f"{name}.witness"
    environment = _environment(
        folder,
        DB_PATH=str(database),
        AGENT_IMAGES_DIR=str(images),
        AGENT_DEVICE_ID=name,
        HOSTNAME=name,
        WEBSOCKET_SERVER_URL=url,
        WEBSOCKET_LOG_FILE=str(folder / f"{name}-sender.log"),
        AGENT_LOG_FILE=str(folder / f"{name}-app.log"),
        UPLINK_BACKOFF_MAX_S="1",
        CHECK_INTERVAL="0.2",
    )
    command = [
        *disk.launcher, "benchmarks.chaos_camera", "--db", str(database), "--images", str(images),
        "--witness", str(witness), "--device", name, "--url", url, "--rate", f"{rate:g}",
        "--seed", f"{seed}{{starts}}", *(["--embedded"] if is_embedded else []),
    ]  # fmt: skip
    recorder = Program(
        name=f"{name}-recorder",
        command=command,
        folder=folder,
        environment=environment,
        has_input=True,
    )
    sender = Program(
        name=f"{name}-sender",
        command=[*disk.launcher, "agent", "send"],
        folder=folder,
        environment=environment,
    )
    return Camera(
        name=name,
        disk=disk,
        witness=witness,
        proxy=proxy,
        recorder=recorder,
        sender=None if is_embedded else sender,
    )


async def stop_all(programs: Sequence[Program], number: signal.Signals) -> None:
    async with asyncio.TaskGroup() as tasks:
        for program in programs:
            tasks.create_task(program.end(number))


def _environment(folder: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "SERVER_LOG_FILE": str(folder / "server.log"),
        **more,
    }


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return int(first.getsockname()[1]), int(second.getsockname()[1])

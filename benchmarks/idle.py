"""What the agent costs while nothing happens: `python -m benchmarks.idle`."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import sys
import tempfile
import threading
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from agent.app import chores
from agent.assembly import assembled
from agent.building import prepare_process
from agent.camera.errors import SourceTimedOut
from agent.camera.factory import open_source
from agent.camera.frame import Frame
from agent.camera.uri import parse_source
from agent.config import load_settings
from benchmarks.server_process import ServerProcess
from vision.reading import Picture

FPS: Final = 10.0
NOISE_SIGMA: Final = 2.0
"""Grey levels, about what a small sensor shows by day: without it nothing would be to compare."""
PICTURES: Final = 16
SCENE: Final = "synthetic:?vehicles=1&night=0&width=1280&height=720"
WARM_UP_S: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """`core_share` is the processor time of everything but the capture thread, 1 is one core.

    `capture_share` is that thread's, which hands out pictures made before: it is not counted.
    """

    seconds: float
    frames: int
    frames_per_s: float
    core_share: float
    capture_share: float


class StaticRoad:
    """An empty road with a sensor's noise, `FPS` pictures a second, made before the clock runs."""

    def __init__(self) -> None:
        self._pictures: list[Picture] = []
        self._begun_s = 0.0
        self._number = 0

    @property
    def is_finite(self) -> bool:
        return False

    @property
    def total_frames(self) -> int | None:
        return None

    def __enter__(self) -> StaticRoad:
        with open_source(SCENE) as source:
            frame = source.read(5.0)
        if frame is None:
            raise RuntimeError(f"{SCENE} gave no frame")
        noise = np.random.default_rng(1)
        shape = frame.picture.shape
        for _ in range(PICTURES):
            noisy = frame.picture + noise.normal(0, NOISE_SIGMA, shape).astype(np.float32)
            self._pictures.append(np.clip(noisy, 0, 255).astype(np.uint8))
        self._begun_s = time.monotonic()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._pictures.clear()

    def read(self, timeout_s: float) -> Frame | None:
        wait_s = self._begun_s + self._number / FPS - time.monotonic()
        if wait_s > timeout_s:
            time.sleep(timeout_s)
            raise SourceTimedOut("the next picture is not due")
        time.sleep(max(0.0, wait_s))
        number, self._number = self._number, self._number + 1
        return Frame(
            picture=self._pictures[number % PICTURES],
            captured_at=datetime.now(UTC),
            at_s=time.monotonic(),
            number=number,
        )


async def measure(folder: Path, server_port: int, *, seconds: float) -> Idle:
    """Runs the whole agent, with its sender connected, and looks at the clocks of its threads."""
    settings = load_settings(
        environ={
            "WEBSOCKET_SERVER_URL": f"ws://127.0.0.1:{server_port}/",
            "DB_PATH": str(folder / "lpr_data.db"),
            "AGENT_IMAGES_DIR": str(folder / "images"),
            "AGENT_LOG_FILE": str(folder / "app.log"),
            "WEBSOCKET_LOG_FILE": str(folder / "sender.log"),
            "AGENT_LOG_LEVEL": "error",
            "AGENT_WEB_PORT": "0",
        }
    )
    prepare_process(settings, log_file=settings.log_file)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        uri = parse_source(SCENE)
        parts = await stack.enter_async_context(
            assembled(settings, uri, opener=lambda _: StaticRoad())
        )
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        for chore in chores(settings, parts, stop):
            tasks.create_task(chore)
        watching = asyncio.get_running_loop().run_in_executor(parts.watching, parts.watcher.run)
        await asyncio.sleep(WARM_UP_S)
        capture_clock = _clock_of("capture")
        frames, began_s = parts.watcher.frames_processed, time.monotonic()
        process_s, capture_s = time.process_time(), time.clock_gettime(capture_clock)
        await asyncio.sleep(seconds)
        spent_s = time.process_time() - process_s
        captured_s = time.clock_gettime(capture_clock) - capture_s
        took_s = time.monotonic() - began_s
        frames = parts.watcher.frames_processed - frames
        stop.set()
        parts.watcher.stop()
        await watching
    return Idle(
        seconds=took_s,
        frames=frames,
        frames_per_s=frames / took_s,
        core_share=(spent_s - captured_s) / took_s,
        capture_share=captured_s / took_s,
    )


def _clock_of(name: str) -> int:
    """The processor clock of a thread of this process."""
    thread = next(thread for thread in threading.enumerate() if thread.name == name)
    if thread.ident is None:
        raise RuntimeError(f"the thread {name} does not run")
    return time.pthread_getcpuclockid(thread.ident)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.idle", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="to measure (default 60)")
    parser.add_argument("--folder", type=Path, help="for its files (default: a temporary one)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=arguments.folder) as name,
        ServerProcess(_made(Path(name) / "server")) as server,
    ):
        idle = asyncio.run(
            measure(_made(Path(name) / "agent"), server.port, seconds=arguments.seconds)
        )
    if arguments.json:
        print(json.dumps(dataclasses.asdict(idle)))
    else:
        print(
            f"static scene, 1280x720, {idle.frames_per_s:.1f} frames/s for {idle.seconds:.0f} s: "
            f"{idle.core_share:.1%} of one core, capture ({idle.capture_share:.1%}) not counted"
        )
    sys.stdout.flush()
    os._exit(0)  # no thread of a library is waited for


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    sys.exit(main())

"""A camera without a lens: records real rows with real JPEGs as the agent does, until told to stop.

Each row is also written down in a file of witness once it is committed, so that nothing rests on
the database's own word. With --embedded the sender runs in this process as in `agent run`;
otherwise the rows are left to `python -m agent send`. Commands come on standard input:
`clock SECONDS` (how far the clock is off from now on) and `rest` (record nothing more).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from agent.camera.frame import SensorFacts
from agent.clock import SystemClock
from agent.errors import AgentError
from agent.outbox.recording import RecordedRow
from agent.outbox.spool import PictureFormat
from agent.outbox.store import Outbox
from agent.pipeline.sighting import FaceSighting, PlateSighting
from agent.uplink.sender import Sender
from agent.uplink.settings import Identity, UplinkSettings
from telemetry.logging import configure_logging
from vision.geometry import Box
from wire.rows import ClockState

PICTURE: Final = (120, 160, 3)
"""Rows, columns, channels: some 5 KB as JPEG."""

HEALTH_EVERY: Final = 5
FACE_EVERY: Final = 7
EVICTION_EVERY: Final = 23


class JumpingClock(SystemClock):
    """This machine's clock, off by what was said last. The time since the boot never jumps."""

    def __init__(self) -> None:
        super().__init__()
        self.offset_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.offset_s)

    def state(self) -> ClockState:
        return "unsynchronised" if self.offset_s else super().state()


class Witness:
    """What was committed, one line a row, in the kernel's hands when `note` returns."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def note(self, recorded: RecordedRow, folder: Path) -> None:
        sha256 = "-"
        if recorded.picture is not None:
            sha256 = hashlib.sha256((folder / recorded.picture).read_bytes()).hexdigest()
        self._write(f"{recorded.message_id} {recorded.sequence} {sha256}\n")

    def note_failure(self) -> None:
        """A row that could not be committed: it was never promised to anybody."""
        self._write("- 0 -\n")

    def _write(self, line: str) -> None:
        os.write(self._handle, line.encode("ascii"))


class Recorder:
    """Records at a steady rate on a thread of its own."""

    def __init__(self, outbox: Outbox, witness: Witness, clock: JumpingClock, seed: int) -> None:
        self._outbox = outbox
        self._witness = witness
        self._clock = clock
        self._chance = np.random.default_rng(seed)
        self._count = 0

    def run(self, interval_s: float, rest: threading.Event) -> None:
        while not rest.wait(interval_s):
            self._count += 1
            try:
                recorded = self._record()
            except AgentError as error:
                print(f"not recorded: {error}", file=sys.stderr, flush=True)
                self._witness.note_failure()
            else:
                self._witness.note(recorded, self._outbox.spool.folder)

    def _record(self) -> RecordedRow:
        number = self._count
        if number % EVICTION_EVERY == 0:
            return self._outbox.record_eviction(
                kind="picture", reason="test", evicted_table="lpr_detection", count=number
            )
        if number % HEALTH_EVERY == 0:
            return self._outbox.record_health(
                component="chaos", status="PASS", message=f"check {number}"
            )
        if number % FACE_EVERY == 0:
            return self._outbox.record_face(self._face())
        return self._outbox.record_plate(self._plate())

    def _picture(self) -> np.ndarray:
        coarse = self._chance.integers(0, 256, (15, 20, 3), dtype=np.uint8)
        return np.ascontiguousarray(coarse.repeat(8, axis=0).repeat(8, axis=1)[: PICTURE[0]])

    def _plate(self) -> PlateSighting:
        at = self._clock.now()
        return PlateSighting(
            plate=f"CH {self._chance.integers(0, 10**6):06d}",
            confidence=float(self._chance.uniform(0.5, 1.0)),
            box=Box(x1=10, y1=20, x2=110, y2=50),
            captured_at=at,
            first_seen_at=at,
            last_seen_at=at,
            picture=self._picture(),
            sensor=SensorFacts(exposure_time_s=0.01, analog_gain=1.0, lux=250.0),
            region="eu",
            direction="approaching",
            evidence={"model": "chaos"},
        )

    def _face(self) -> FaceSighting:
        at = self._clock.now()
        return FaceSighting(
            confidence=float(self._chance.uniform(0.5, 1.0)),
            quality=0.7,
            box=Box(x1=1, y1=2, x2=41, y2=62),
            landmarks=((5.0, 6.0), (30.5, 6.0), (20.0, 20.0), (8.0, 40.0), (30.0, 40.0)),
            captured_at=at,
            first_seen_at=at,
            last_seen_at=at,
            picture=self._picture(),
            sensor=SensorFacts(),
            embedding=None,
            embedding_model=None,
            evidence={},
        )


def _listen(clock: JumpingClock, rest: threading.Event) -> None:
    """Obeys standard input until its end."""
    for line in sys.stdin:
        command, _, value = line.strip().partition(" ")
        if command == "clock":
            clock.offset_s = float(value)
        elif command == "rest":
            rest.set()


async def _send(options: argparse.Namespace, outbox: Outbox, clock: JumpingClock) -> None:
    """As `agent run` does, but with a liveness of seconds, so that half-open links count."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if not options.embedded:
        await stop.wait()
        return
    store = outbox.sending()
    sender = Sender(
        store,
        settings=UplinkSettings(
            url=options.url,
            check_interval_s=0.5,
            backoff_max_s=1.0,
            open_timeout_s=3.0,
            answer_timeout_s=3.0,
            ping_interval_s=0.4,
            dead_after_s=1.5,
        ),
        identity=Identity(hostname=options.device, checkpoint_id="1", agent_version="chaos"),
        clock=clock,
        lock_path=outbox.path.with_name(outbox.path.name + ".sender.lock"),
    )
    outbox.on_commit(sender.notify)
    await sender.run(stop)
    store.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos_camera", description=__doc__)
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--witness", type=Path, required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--rate", type=float, default=10.0, help="rows a second")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clock", type=float, default=0.0, help="seconds the clock is off")
    parser.add_argument("--embedded", action="store_true", help="send from this process")
    parser.add_argument("--rest", action="store_true", help="record nothing, only send")
    options = parser.parse_args(arguments)
    configure_logging(file=None, level="info", to_stderr=True)
    clock = JumpingClock()
    clock.offset_s = options.clock
    rest = threading.Event()
    if options.rest:
        rest.set()
    outbox = Outbox.open(
        options.db,
        options.images,
        options.device,
        clock=clock,
        picture_format=PictureFormat(jpeg_quality=60),
    )
    outbox.sweep()
    recorder = Recorder(outbox, Witness(options.witness), clock, options.seed)
    threading.Thread(target=_listen, args=(clock, rest), daemon=True).start()
    recording = threading.Thread(target=recorder.run, args=(1 / options.rate, rest))
    recording.start()
    try:
        asyncio.run(_send(options, outbox, clock))
    finally:
        rest.set()
        recording.join()
        outbox.close()


if __name__ == "__main__":
    main()

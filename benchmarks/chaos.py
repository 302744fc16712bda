"""Breaks everything, again and again, and proves that no row was lost, doubled or changed.

Real senders (`python -m agent send`, and every second camera with the sender in the recording
program, as in `agent run`) and a real `python -m server run` are killed, cut off, slowed down,
filled up and set to the wrong time, by a schedule drawn from the seed. How the faults meet the
programs' work is up to the machine, so that a seed repeats the schedule and not the run. Exit 1
unless nothing was lost, doubled or changed and all books balance.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.chaos_backup import back_up, restore
from benchmarks.chaos_books import Verdict, judge, read_camera, read_centre
from benchmarks.chaos_rest import has_heard, heard_since, rows_that_wait
from benchmarks.chaos_schedule import Fault, FaultKind, schedule
from benchmarks.chaos_site import (
    Camera,
    Centre,
    Program,
    SiteBroken,
    make_camera,
    make_centre,
    stop_all,
)
from benchmarks.faulty_proxy import FaultyProxy
from benchmarks.small_disk import SmallDisk, TmpfsDisk, VfsDisk, may_mount

AT_ONCE: Final = 4
"""Faults that are under way together, each on another part."""

DRAIN_S: Final = 180.0
BACKUPS_KEPT: Final = 4
"""The server may be put back to any of these, also to one that is younger than the one before."""


class Chaos:
    """One run: what stands, and what is done to it."""

    def __init__(self, centre: Centre, cameras: Sequence[Camera], backups: Path) -> None:
        self.centre = centre
        self._backups = backups
        self.cameras = cameras
        self.done: Counter[FaultKind] = Counter()
        self.idle_cuts = 0
        self._kept: list[Path] = []
        self._restored_at: datetime | None = None
        self._locks: dict[str, asyncio.Lock] = {}

    @property
    def programs(self) -> list[Program]:
        return [self.centre.server, *(each for camera in self.cameras for each in camera.programs)]

    async def run(self, faults: Sequence[Fault], progress: Progress) -> None:
        """All faults in their order; returns when the last one is over."""
        bar = progress.add_task("faults", total=len(faults))
        room = asyncio.Semaphore(AT_ONCE)

        async def one(fault: Fault) -> None:
            try:
                async with self._lock_of(fault):
                    await self._do(fault)
            finally:
                room.release()
            self.done[fault.kind] += 1
            progress.advance(bar)

        async with asyncio.TaskGroup() as tasks:
            for fault in faults:
                await asyncio.sleep(fault.after_s)
                await room.acquire()
                tasks.create_task(one(fault))

    def _lock_of(self, fault: Fault) -> asyncio.Lock:
        """Two faults of one part do not overlap, or one would undo the other."""
        camera = self.cameras[fault.camera].name
        match fault.kind:
            case FaultKind.SERVER_KILLED | FaultKind.SERVER_STOPPED | FaultKind.SERVER_RESTORED:
                part = "server"
            case FaultKind.SERVER_DISK_FULL:
                part = "server's disk"
            case FaultKind.SENDER_KILLED | FaultKind.CAMERA_KILLED | FaultKind.CLOCK_JUMPED:
                part = f"{camera}'s programs"
            case FaultKind.CAMERA_DISK_FULL:
                part = f"{camera}'s disk"
            case _:
                part = f"{camera}'s link"
        return self._lock(part)

    def _lock(self, part: str) -> asyncio.Lock:
        return self._locks.setdefault(part, asyncio.Lock())

    async def _do(self, fault: Fault) -> None:
        camera = self.cameras[fault.camera]
        match fault.kind:
            case FaultKind.SERVER_KILLED:
                await self._restart_server(signal.SIGKILL, fault.lasts_s)
            case FaultKind.SERVER_STOPPED:
                await self._restart_server(signal.SIGTERM, fault.lasts_s)
            case FaultKind.SERVER_RESTORED:
                await self._restore_server(fault)
            case FaultKind.SENDER_KILLED:
                await _restart(camera.sender or camera.recorder, fault.lasts_s)
            case FaultKind.CAMERA_KILLED:
                await _restart(camera.recorder, fault.lasts_s)
            case FaultKind.CLOCK_JUMPED:
                self._set_clock(camera, fault.clock_s)
            case FaultKind.CAMERA_DISK_FULL:
                await _fill(camera.disk, fault.lasts_s)
            case FaultKind.SERVER_DISK_FULL:
                await _fill(self.centre.disk, fault.lasts_s)
            case _:
                await self._break_link(camera.proxy, fault)

    async def _break_link(self, proxy: FaultyProxy, fault: Fault) -> None:
        match fault.kind:
            case FaultKind.LINK_CUT:
                hit = await proxy.cut(after_bytes=fault.after_bytes, is_upward=fault.is_upward)
                self.idle_cuts += not hit
            case FaultKind.LINK_SLOW:
                await proxy.delay(latency_s=fault.lasts_s / 5, lasts_s=2 * fault.lasts_s)
            case FaultKind.LINK_STALLED:
                await proxy.stall(lasts_s=1.5 * fault.lasts_s)
            case FaultKind.LINK_HALF_OPEN:
                await proxy.half_open(lasts_s=2 * fault.lasts_s)
            case _:
                await proxy.deliver_late(lasts_s=fault.lasts_s)

    async def _restart_server(self, number: signal.Signals, down_s: float) -> None:
        await self.centre.server.end(number)
        await asyncio.sleep(down_s / 2)
        await self.centre.server.start()
        await self.centre.answers()

    async def _restore_server(self, fault: Fault) -> None:
        """Back to one of the last backups, the newest made now; the cameras must notice it."""
        database, pictures = self.centre.database, self.centre.pictures
        made = self._backups / str(self.done[FaultKind.SERVER_RESTORED])
        async with self._lock("server's disk"):
            await asyncio.to_thread(back_up, database, pictures, made)
        self._kept = [*self._kept, made][-BACKUPS_KEPT:]
        await asyncio.sleep(fault.lasts_s)
        await self.centre.server.end(signal.SIGKILL)
        backup = self._kept[fault.after_bytes % len(self._kept)]
        async with self._lock("server's disk"):
            await asyncio.to_thread(restore, database, pictures, backup)
            self._restored_at = datetime.now(UTC)
            await self.centre.server.start()
            await self.centre.answers()

    def _set_clock(self, camera: Camera, offset_s: float) -> None:
        camera.recorder.say(f"clock {offset_s}")
        # Also after the next start.
        command = [part for part in camera.recorder.command if not part.startswith("--clock=")]
        camera.recorder.command = [*command, f"--clock={offset_s}"]

    async def come_to_rest(self, progress: Progress) -> None:
        """Records nothing more and waits until nothing waits; raises SiteBroken."""
        for camera in self.cameras:
            camera.recorder.command.insert(len(camera.disk.launcher) + 1, "--rest")
            camera.recorder.say("rest")
        total = await asyncio.to_thread(self._waiting)
        bar = progress.add_task("rows that wait", total=total)
        deadline_s = time.monotonic() + DRAIN_S
        while waiting := await asyncio.to_thread(self._waiting):
            progress.update(bar, completed=max(0, total - waiting))
            if time.monotonic() > deadline_s:
                raise SiteBroken(f"{waiting} rows still wait after {DRAIN_S:.0f} s without faults")
            await asyncio.sleep(0.2)
        progress.update(bar, completed=total)

    def _waiting(self) -> int:
        """Rows of all cameras; one that has not heard a restored server yet counts as one row."""
        heard = heard_since(self.centre.database, self._restored_at)
        return sum(
            rows_that_wait(each.database) + (not has_heard(each.database, heard.get(each.name)))
            if self._restored_at
            else rows_that_wait(each.database)
            for each in self.cameras
        )

    def verdict(self) -> Verdict:
        cameras = [read_camera(each.name, each.database, each.witness) for each in self.cameras]
        return judge(cameras, read_centre(self.centre.database, self.centre.pictures))


async def _restart(program: Program, down_s: float) -> None:
    await program.end(signal.SIGKILL)
    await asyncio.sleep(down_s / 2)
    await program.start()


async def _fill(disk: SmallDisk, lasts_s: float) -> None:
    disk.fill()
    try:
        await asyncio.sleep(lasts_s)
    finally:
        disk.free()


@contextlib.asynccontextmanager
async def _standing(options: argparse.Namespace, folder: Path) -> AsyncIterator[Chaos]:
    """Server and cameras at work; at the end whatever runs is killed and disks are given back."""
    make_disk = TmpfsDisk if options.disks == "tmpfs" else VfsDisk
    disks: list[SmallDisk] = []
    cameras: list[Camera] = []
    programs: list[Program] = []
    try:
        disks.append(make_disk(folder / "disk-server"))
        centre = make_centre(folder, disks[0])
        programs.append(centre.server)
        for number in range(options.cameras):
            disks.append(make_disk(folder / f"disk-cam-{number}"))
            camera = await make_camera(
                folder,
                disks[-1],
                name=f"cam-{number}",
                server_port=centre.port,
                rate=options.rate,
                seed=options.seed * 1000 + number,
                is_embedded=number % 2 == 1,
            )
            cameras.append(camera)
            programs += camera.programs
        await centre.server.start()
        await centre.answers()
        for program in programs[1:]:
            await program.start()
        yield Chaos(centre, cameras, folder / "backups")
    finally:
        await stop_all(programs, signal.SIGKILL)
        for camera in cameras:
            await camera.proxy.stop()
        for disk in disks:
            disk.remove()


async def _run(options: argparse.Namespace, folder: Path, console: Console) -> bool:
    """Whether all is well. SIGTERM ends it as Ctrl-C does: programs and mounts are cleared away."""
    this = asyncio.current_task()
    assert this is not None  # noqa: S101 - asyncio.run made one
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    faults = schedule(faults=options.faults, seed=options.seed, cameras=options.cameras)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    started_s = time.monotonic()
    async with _standing(options, folder) as chaos:
        with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
            await chaos.run(faults, progress)
            await chaos.come_to_rest(progress)
        await stop_all(chaos.programs[1:], signal.SIGTERM)
        await stop_all(chaos.programs[:1], signal.SIGTERM)
        verdict = await asyncio.to_thread(chaos.verdict)
        console.print(_table(chaos, verdict, time.monotonic() - started_s, options))
    for line in verdict.faults:
        console.print(f"does not add up: {line}", style="red")
    console.print("PASSED" if verdict.is_good else "FAILED")
    return verdict.is_good


def _table(chaos: Chaos, verdict: Verdict, duration_s: float, options: argparse.Namespace) -> Table:
    title = f"chaos: {options.faults} faults, seed {options.seed}, {options.cameras} cameras"
    table = Table(title=title)
    table.add_column("what")
    table.add_column("count", justify="right")
    for name, count in (
        ("rows captured", verdict.captured),
        ("rows on the server", verdict.on_server),
        ("lost", verdict.lost),
        ("duplicated", verdict.duplicated),
        ("refused", verdict.refused),
        ("evicted", verdict.evicted),
        ("on the server and never captured", verdict.unknown),
        ("pictures compared", verdict.with_picture),
        ("pictures given up on the camera, marked so", verdict.pictures_evicted),
        ("pictures whose sha256 differs", verdict.differing),
        ("never committed on the camera (its disk was full)", verdict.not_recorded),
        ("books that do not balance", len(verdict.faults)),
    ):
        table.add_row(name, str(count))
    table.add_section()
    for kind in FaultKind:
        table.add_row(kind.value, str(chaos.done[kind]))
    table.add_row("of the cuts, on an idle link", str(chaos.idle_cuts))
    table.add_section()
    for program in chaos.programs:
        if program.ended_by_itself or program.stubborn:
            text = f"{program.name}: ended by itself / would not stop"
            table.add_row(text, f"{program.ended_by_itself} / {program.stubborn}")
    carried = sum(camera.proxy.bytes_carried for camera in chaos.cameras)
    table.add_row("carried by the proxies, MB", f"{carried / 1e6:.1f}")
    table.add_row("full disks are made by", "tmpfs" if options.disks == "tmpfs" else "SQLite VFS")
    table.add_row("duration, s", f"{duration_s:.1f}")
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--rate", type=float, default=10.0, help="rows a second of each camera")
    parser.add_argument(
        "--disks",
        choices=["auto", "tmpfs", "vfs"],
        default="auto",
        help="how a disk becomes full: a tmpfs for each program (needs root), or an SQLite VFS "
        "that stops databases growing (not pictures); auto: tmpfs where it can be mounted",
    )
    parser.add_argument(
        "--keep", type=Path, help="a new folder for logs and witnesses, kept (databases: with vfs)"
    )
    options = parser.parse_args(arguments)
    if options.disks == "auto":
        options.disks = "tmpfs" if may_mount() else "vfs"
    console = Console(width=100)
    with contextlib.ExitStack() as resources:
        if options.keep is None:
            made = resources.enter_context(tempfile.TemporaryDirectory(prefix="sightpost-chaos-"))
            folder = Path(made)
        else:
            folder = options.keep.absolute()
            folder.mkdir(parents=True)
        is_good = False
        try:
            is_good = asyncio.run(_run(options, folder, console))
        except* SiteBroken as broken:
            for error in broken.exceptions:
                console.print(f"FAILED {error}", style="red")
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()

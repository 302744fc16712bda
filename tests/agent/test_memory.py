"""The limit is found, and real memory beyond it sheds work that comes back when it is freed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil

from agent.app import keep_memory
from agent.memory import MemoryKeeper, limit_of
from agent.shedding import CALM_S, STEP_S, Shed
from telemetry.process_memory import free_memory
from tests.agent.web.camera import running_camera

GB = 10**9
LEAST_BALLAST_BYTES = 160 * 1024 * 1024


def test_the_limit_is_the_configured_one_or_half_the_machine_or_what_is_granted() -> None:
    assert limit_of(configured_mb=300, machine_bytes=8 * GB, group_bytes=None) == 300_000_000
    assert limit_of(configured_mb=0, machine_bytes=8 * GB, group_bytes=None) == 4 * GB
    assert limit_of(configured_mb=0, machine_bytes=8 * GB, group_bytes=GB) == int(0.9 * GB)


def _resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def test_real_memory_near_the_limit_sheds_work_and_freeing_it_brings_it_back() -> None:
    free_memory()  # what other tests left would be given up in between
    now_s = 0.0
    applied: list[Shed] = []
    before = _resident_bytes()
    ballast_bytes = max(LEAST_BALLAST_BYTES, before)
    keeper = MemoryKeeper(
        limit_bytes=int((before + ballast_bytes * 0.9) / 0.85),
        apply=applied.append,
        clock=lambda: now_s,
    )

    def look() -> Shed:
        return keeper.look(process_bytes=_resident_bytes(), stalled_share=None).shed

    assert look() is Shed.NOTHING
    ballast = bytearray(ballast_bytes)
    ballast[::4096] = b"x" * len(ballast[::4096])
    for _ in range(4):
        look()
        now_s += STEP_S
    assert applied == [Shed.FRAME_RATE, Shed.PICTURE_SIZE, Shed.MODELS]
    del ballast
    free_memory()
    while now_s < 10 * CALM_S and look() is not Shed.NOTHING:
        now_s += STEP_S
    assert applied[3:] == [Shed.PICTURE_SIZE, Shed.FRAME_RATE, Shed.NOTHING]


async def test_work_is_shed_also_while_an_operator_has_stopped_the_health_checks(
    tmp_path: Path,
) -> None:
    async with running_camera(tmp_path, memory_limit_mb=64) as camera:
        await camera.tasks.monitoring.stop()
        stop = asyncio.Event()
        keeping = asyncio.create_task(keep_memory(camera.parts, stop))
        async with asyncio.timeout(30):
            while camera.parts.memory.state.shed is Shed.NOTHING:  # noqa: ASYNC110 (it tells nobody)
                await asyncio.sleep(0.05)
        stop.set()
        await keeping

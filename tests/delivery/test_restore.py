"""A server that was restored from a backup: what the camera does by itself about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.ends import Camera, Centre, Link, SetClock
from wire.limits import Credit

CREDIT = Credit(rows=64, bytes=10_000_000)


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[tuple[Camera, Centre]]:
    clock = SetClock()
    for name in ("camera-0", "centre-0"):
        (tmp_path / name).mkdir()
    with asyncio.Runner() as runner:
        camera = Camera(tmp_path / "camera-0", clock, seed=1)
        centre = Centre(tmp_path / "centre-0", runner, clock.now)
        yield camera, centre
        camera.close()
        centre.close()


def record(camera: Camera, message: str) -> None:
    camera.outbox.record_health(component="disk", status="PASS", message=message)


def deliver(camera: Camera, centre: Centre, link: Link, rows: int) -> None:
    """Greets, if that is left to do, and has so many rows acknowledged."""
    while link.to_server:
        centre.hear(link, CREDIT)
    while link.to_agent:
        camera.hear()
    camera.read(rows)
    camera.send()
    while link.to_server:
        centre.hear(link, CREDIT)
    centre.commit(len(centre.turns))
    while centre.turns:
        centre.answer(CREDIT)
    while link.to_agent:
        camera.hear()
    camera.settle()


def messages(centre: Centre) -> list[str]:
    return [text for (text,) in centre.query("SELECT message FROM health_monitors ORDER BY 1")]


def test_rows_acknowledged_after_the_backup_come_again_by_themselves(
    ends: tuple[Camera, Centre],
) -> None:
    camera, centre = ends
    record(camera, "before the backup")
    deliver(camera, centre, camera.connect(), 1)
    centre.back_up()
    camera.hang_up()
    record(camera, "after the backup")
    deliver(camera, centre, camera.connect(), 1)
    camera.hang_up()
    centre.restore()
    assert messages(centre) == ["before the backup"]
    deliver(camera, centre, camera.connect(), 10)
    assert messages(centre) == ["after the backup", "before the backup"]


@pytest.mark.xfail(
    strict=True,
    reason="the highest number that a server holds does not tell whether it lacks a lower one",
)
def test_a_row_that_was_overtaken_before_the_backup_comes_again_too(
    ends: tuple[Camera, Centre],
) -> None:
    """Fresh rows go first: the backup has the younger row and not the older one."""
    camera, centre = ends
    record(camera, "older")
    link = camera.connect()
    record(camera, "younger, sent first")
    deliver(camera, centre, link, 1)
    assert messages(centre) == ["younger, sent first"]
    centre.back_up()
    deliver(camera, centre, link, 1)
    camera.hang_up()
    assert camera.outbox.counts().waiting == 0
    centre.restore()
    deliver(camera, centre, camera.connect(), 10)
    assert messages(centre) == ["older", "younger, sent first"]

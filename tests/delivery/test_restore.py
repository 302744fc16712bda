"""A server that was restored from a backup: what the camera does by itself about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import apsw
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


def test_backlog_that_was_acknowledged_after_the_backup_comes_again(
    ends: tuple[Camera, Centre],
) -> None:
    """The highest number of the backup is that of the present: only older rows came after it."""
    camera, centre = ends
    for number in range(6):
        record(camera, f"old {number}")
    link = camera.connect()
    record(camera, "young")
    deliver(camera, centre, link, 3)
    centre.back_up()
    deliver(camera, centre, link, 10)
    camera.hang_up()
    assert camera.outbox.counts().waiting == 0
    centre.restore()
    assert len(messages(centre)) == 3
    deliver(camera, centre, camera.connect(), 10)
    assert len(messages(centre)) == 7


def test_younger_backup_after_an_older_one_is_noticed(ends: tuple[Camera, Centre]) -> None:
    """Its count is no lower than what the camera heard last; its history is another one."""
    camera, centre = ends
    record(camera, "Monday")
    deliver(camera, centre, camera.connect(), 1)
    centre.back_up()
    camera.hang_up()
    centre.crash()  # so that Tuesday's rows are acknowledged by another run than Monday's
    for number in range(5):
        record(camera, f"Tuesday {number}")
    deliver(camera, centre, camera.connect(), 5)
    centre.back_up()
    camera.hang_up()
    centre.restore(1)
    link = camera.connect()
    record(camera, "between the restores")  # fresh, so it goes before the five that come again
    deliver(camera, centre, link, 1)
    assert messages(centre) == ["Monday", "between the restores"]
    camera.hang_up()
    centre.restore(2)
    deliver(camera, centre, camera.connect(), 10)
    assert sorted(messages(centre)) == sorted(
        ["Monday", *(f"Tuesday {number}" for number in range(5)), "between the restores"]
    )


def test_rows_that_retention_deleted_are_asked_for_once(ends: tuple[Camera, Centre]) -> None:
    """The counts never meet again: what can come comes once, and then nothing more."""
    camera, centre = ends
    for number in range(4):
        record(camera, f"row {number}")
    deliver(camera, centre, camera.connect(), 4)
    camera.hang_up()
    with camera.outbox.writing() as connection:
        connection.execute("DELETE FROM health_checks WHERE message IN ('row 0', 'row 2')")
    centre.restore()
    sent = []
    for _ in range(3):
        link = camera.connect()
        deliver(camera, centre, link, 10)
        sent.append(link.client.frames_sent)
        camera.hang_up()
    assert messages(centre) == ["row 1", "row 3"]
    assert sent == [1, 0, 0]


def test_server_that_was_pruned_has_lost_nothing(ends: tuple[Camera, Centre]) -> None:
    camera, centre = ends
    record(camera, "pruned")
    deliver(camera, centre, camera.connect(), 1)
    camera.hang_up()
    pruning = apsw.Connection(str(centre.database))
    pruning.execute("DELETE FROM health_monitors")
    pruning.close()
    centre.crash()
    link = camera.connect()
    deliver(camera, centre, link, 10)
    assert link.client.frames_sent == 0
    assert messages(centre) == []


def test_camera_killed_while_it_queues_rows_again_queues_them_all(
    ends: tuple[Camera, Centre],
) -> None:
    camera, centre = ends
    for number in range(4):
        record(camera, f"row {number}")
    deliver(camera, centre, camera.connect(), 4)
    camera.hang_up()
    centre.restore()
    with camera.outbox.writing() as connection:  # as after the first of several transactions
        connection.execute(
            "UPDATE health_checks SET sent_to_server = 0, server_rows = NULL WHERE id < 3"
        )
    camera.connect()
    camera.crash()
    deliver(camera, centre, camera.connect(), 10)
    assert messages(centre) == [f"row {number}" for number in range(4)]

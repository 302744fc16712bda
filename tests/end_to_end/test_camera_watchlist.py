"""A list made at the centre reaches a camera, which marks its own sightings without a link."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from agent.clock import SystemClock
from agent.outbox.store import Outbox
from agent.uplink.sender import Sender
from agent.uplink.settings import Identity, UplinkSettings
from server.app import Pace, running
from server.ingest.patience import Patience
from server.watchlist.contract import EntryDetails, ListDetails
from tests.agent.outbox.sightings import plate
from tests.end_to_end.programs import rows_of, wait_until
from tests.server.conftest import settings_in
from tests.server.watchlist.lists import lists_of

NOON: Final = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
AT_ONCE: Final = Pace(patience=Patience(lists_s=0.0))
BACKLOG: Final = 40


@contextlib.asynccontextmanager
async def linked(outbox: Outbox, port: int) -> AsyncIterator[Sender]:
    sender = Sender(
        outbox.sending(),
        settings=UplinkSettings(url=f"ws://127.0.0.1:{port}/", check_interval_s=0.2),
        identity=Identity(hostname="host", checkpoint_id="7", agent_version="0.1"),
        clock=SystemClock(),
        lock_path=outbox.path.with_suffix(".sender.lock"),
    )
    end = outbox.on_commit(sender.notify)
    stop = asyncio.Event()
    task = asyncio.create_task(sender.run(stop))
    try:
        yield sender
    finally:
        end()
        stop.set()
        await asyncio.wait_for(task, 30)


def held(outbox: Outbox) -> list[dict[str, Any]]:
    ((plates,),) = rows_of(outbox.path, "SELECT plates FROM watchlist")
    found: list[dict[str, Any]] = json.loads(plates)
    return found


async def holds(outbox: Outbox, *plates: dict[str, Any]) -> None:
    outbox.record_health(component="camera", status="PASS", message="")  # the centre looks up
    await asyncio.to_thread(
        wait_until, lambda: held(outbox) == list(plates), what=f"the camera holds {plates}"
    )


def opened(folder: Path) -> Outbox:
    return Outbox.open(folder / "lpr_data.db", folder / "captured", "gate-1")


async def test_a_listed_plate_seen_without_link_is_marked_and_goes_first(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "centre", log_file=tmp_path / "server.log")
    (tmp_path / "centre").mkdir()
    camera = tmp_path / "camera"
    listed = {"plate": "AB1234"}
    with opened(camera) as outbox:
        async with running(settings, pace=AT_ONCE) as server, lists_of(settings) as lists:
            made = await lists.make_list(
                ListDetails(name="stolen", goes_to_cameras=True), by="somchai", now=NOON
            )
            entries = [
                EntryDetails(plate="ab-1234", reason="stolen on 3 August"),
                EntryDetails(plate="XY1", device_ids=("gate-2",)),
                EntryDetails(plate="OLD1"),
            ]
            await lists.put_entries(made.id, entries, by="somchai", now=NOON)
            async with linked(outbox, server.ingest_port):
                await holds(outbox, listed, {"plate": "OLD1"})
                page = await lists.entries(made.id, search="OLD1", before=None, limit=1)
                await lists.drop_entry(made.id, page.entries[0].id, by="somchai", now=NOON)
                await holds(outbox, listed)
    with opened(camera) as outbox:  # started again, and no link
        for number in range(BACKLOG):
            outbox.record_plate(plate(f"P{number}", seed=number))
        watched = outbox.record_plate(plate("A8 1Z34", seed=BACKLOG))
        outbox.record_plate(plate("OLD1", seed=BACKLOG + 1))
        async with (
            running(settings, pace=AT_ONCE) as server,
            linked(outbox, server.ingest_port) as sender,
        ):
            assert await asyncio.wait_for(sender.drained(), 60) == 0
    sql = "SELECT message_id, license_plate, evidence FROM lpr_detections ORDER BY id"
    arrived = rows_of(settings.db_path, sql)
    assert arrived[0][0] == watched.message_id
    assert len(arrived) == BACKLOG + 2
    assert [text for _, text, evidence in arrived if json.loads(evidence).get("watched")] == [
        "A8 1Z34"
    ]

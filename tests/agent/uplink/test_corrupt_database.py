"""A sender that runs alone meets a corrupt database: it touches nothing, says what to do, and goes
on by itself once the recording program has put a new one in its place."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.errors import DatabaseCorrupt, DatabaseUnusable
from agent.outbox.sending import SendingStore
from agent.uplink.link import LinkFailure
from agent.uplink.sender import Sender
from agent.uplink.settings import Identity, UplinkSettings
from tests.agent.outbox.sightings import plate
from tests.agent.outbox.test_corrupt import end, overwrite, pages_of, start
from tests.agent.uplink.conftest import until
from tests.agent.uplink.ingest import Ingest, serving

PLATES = 60


def opened_alone(folder: Path) -> SendingStore:
    return SendingStore.open(folder / "lpr_data.db", folder / "captured", "cam-1")


def corrupted(folder: Path) -> Path:
    """A database of ours with waiting plates, of which some cannot be read any more."""
    opened = start(folder)
    for number in range(PLATES):
        opened.outbox.record_plate(plate(f"P{number}", seed=number % 9 + 1, width=32))
    end(opened)
    database = folder / "lpr_data.db"
    overwrite(database, pages_of(database, "detection_results")[2:4])
    return database


def test_header_that_is_overwritten_ends_the_sender_and_changes_nothing(tmp_path: Path) -> None:
    database = corrupted(tmp_path)
    overwrite(database, [1])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(DatabaseUnusable, match="start 'agent run', which sets it aside"):
        opened_alone(tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before


async def test_sender_names_the_trouble_and_goes_on_with_the_new_database(tmp_path: Path) -> None:
    database = corrupted(tmp_path)
    store = opened_alone(tmp_path)
    async with serving(ingest := Ingest()):
        sender = Sender(
            store,
            settings=UplinkSettings(url=ingest.url, check_interval_s=0.05, backoff_max_s=1.0),
            identity=Identity(hostname="host", checkpoint_id="7", agent_version="0.1"),
            clock=SystemClock(),
            lock_path=tmp_path / "sender.lock",
            random=lambda: 0.0,
        )
        stop = asyncio.Event()
        sending = asyncio.create_task(sender.run(stop))
        await until(lambda: sender.status.link.failure is LinkFailure.STORAGE)
        assert "'agent run' sets it aside" in sender.status.link.detail
        await asyncio.to_thread(found_corrupt, tmp_path)
        opened = await asyncio.to_thread(start, tmp_path)
        assert opened.recovered is not None
        assert opened.recovered.rows > 0
        opened.outbox.record_plate(plate("AFTER", width=32))
        await until(lambda: opened.outbox.counts().waiting == 0)
        stop.set()
        await sending
        store.close()
        end(opened)
    texts = {getattr(row.row.data, "license_plate", "") for row in ingest.rows.values()}
    assert "AFTER" in texts
    assert database.exists()


async def test_sender_outlives_a_database_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    """Not even its books: the sender keeps trying and says why."""
    store = opened_alone(tmp_path)
    store.close()  # every statement fails from now on
    async with serving(ingest := Ingest()):
        sender = Sender(
            store,
            settings=UplinkSettings(url=ingest.url, check_interval_s=0.05, backoff_max_s=1.0),
            identity=Identity(hostname="host", checkpoint_id="7", agent_version="0.1"),
            clock=SystemClock(),
            lock_path=tmp_path / "sender.lock",
            random=lambda: 0.0,
        )
        stop = asyncio.Event()
        sending = asyncio.create_task(sender.run(stop))
        await until(lambda: sending.done() or sender.status.link.retry_at is not None)
        first = sender.status.link.retry_at
        await until(lambda: sending.done() or sender.status.link.retry_at not in (None, first))
        assert sender.status.link.failure is LinkFailure.STORAGE
        stop.set()
        await asyncio.wait_for(sending, 10)


def found_corrupt(folder: Path) -> None:
    """The recording program runs, checks its database, and ends because of it."""
    opened = start(folder)
    opened.outbox.is_suspect = True
    with contextlib.suppress(DatabaseCorrupt):
        opened.soundness.check_if_due()
    end(opened)

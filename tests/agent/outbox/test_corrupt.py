"""Bytes of the database are overwritten: it is set aside, and what can be read is saved."""

from __future__ import annotations

import contextlib
import random
import shutil
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from agent.assembly import assembled
from agent.camera.uri import parse_source
from agent.clock import SystemClock
from agent.config import PREFIXES, AgentSettings
from agent.delivery import RowRefused, Settlement
from agent.errors import DatabaseCorrupt, DatabaseUnusable, OutboxError, RecordingFailed
from agent.outbox.opening import Opened, open_outbox
from agent.outbox.ownership import is_sole_owner
from agent.outbox.state import Left, State, StateFile
from agent.outbox.store import Outbox
from settings.loading import load
from tests.agent.outbox.ends import (
    age,
    asked,
    assert_books_balance,
    settle,
    upkeep,
    waiting,
)
from tests.agent.outbox.sightings import plate
from tests.agent.outbox.small_disk import small_disk
from wire.rows import Table

PLATES = 300
PAGE = 4096


def record_plates(outbox: Outbox) -> None:
    for number in range(PLATES):
        outbox.record_plate(plate(f"P{number}", seed=number % 9 + 1, width=32))


def start(folder: Path) -> Opened:
    path = folder / "lpr_data.db"
    return open_outbox(
        path,
        "cam-1",
        clock=SystemClock(),
        open_with=lambda: Outbox.open(path, folder / "captured", "cam-1"),
    )


def end(opened: Opened) -> None:
    opened.soundness.close()
    opened.outbox.close()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database of 300 plates, of which 100 are acknowledged and 5 refused."""
    folder = tmp_path_factory.mktemp("recorded")
    opened = start(folder)
    record_plates(opened.outbox)
    settle(opened.outbox, acknowledged=100, refused=5)
    end(opened)
    return folder


@pytest.fixture
def used(recorded: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(recorded, tmp_path, dirs_exist_ok=True)
    return tmp_path


def overwrite(database: Path, pages: list[int]) -> None:
    """The pages (from 1) get random bytes, as a failing card leaves them."""
    noise = random.Random(1)
    with database.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            file.write(noise.randbytes(PAGE))


def pages_of(database: Path, table: str) -> list[int]:
    return [
        int(page)
        for (page,) in asked(
            database,
            f"SELECT pageno FROM dbstat WHERE name = '{table}' AND pagetype = 'leaf' ORDER BY 1",  # noqa: S608 - our own names
        )
    ]


def test_clean_stop_needs_no_check_and_an_unclean_one_does(used: Path) -> None:
    opened = start(used)
    assert opened.soundness.check_if_due() is False
    opened.outbox.close()  # without the state being written: as a kill leaves it
    opened = start(used)
    assert opened.soundness.check_if_due() is True
    assert opened.soundness.check_if_due() is False
    end(opened)
    state = StateFile(used / "lpr_data.db").read()
    assert state is not None
    assert state.left is Left.STOPPED


def test_damage_found_by_the_check_is_set_aside_at_the_next_start(used: Path) -> None:
    database = used / "lpr_data.db"
    leaves = pages_of(database, "detection_results")
    assert len(leaves) > 20
    overwrite(database, [leaves[len(leaves) // 2], leaves[-3]])
    opened = start(used)
    opened.outbox.close()
    opened = start(used)  # after an unclean stop
    old_epoch = asked(database, "SELECT epoch FROM store")
    with pytest.raises(DatabaseCorrupt, match="set aside at the next start"):
        opened.soundness.check_if_due()
    end(opened)
    opened = start(used)
    recovered = opened.recovered
    assert recovered is not None
    assert recovered.aside.exists()
    assert recovered.lost is not None
    assert 0 < recovered.lost < 30
    assert recovered.rows + recovered.lost == 200
    counts = opened.outbox.counts()
    assert (counts.acknowledged, counts.evicted) == (100, recovered.lost)
    assert counts.waiting + counts.refused == recovered.rows + 2  # and the two reports
    assert_books_balance(opened.outbox)
    assert asked(database, "SELECT epoch FROM store") != old_epoch
    # Pictures of the lost rows stay, for whoever saves more from the file that was set aside.
    begun = str(asked(database, "SELECT created_at FROM store"))
    assert not is_sole_owner(opened.outbox.spool.folder, begun)
    assert asked(database, "PRAGMA integrity_check") == [("ok",)]
    rows = waiting(opened.outbox)
    assert len({row.row.id for row in rows}) == len(rows)
    assert opened.outbox.record_plate(plate("NEXT")).sequence > PLATES
    (health,) = waiting(opened.outbox, Table.HEALTH_MONITOR)
    assert "set aside as lpr_data.corrupt-" in str(health.row.data)
    (eviction,) = asked(database, "SELECT kind, reason, count FROM evictions")
    assert eviction == ("row", "corrupt_database", recovered.lost)
    end(opened)
    again = start(used)
    assert again.recovered is None
    end(again)


def test_saved_rows_keep_ids_numbers_and_pictures(used: Path) -> None:
    database = used / "lpr_data.db"
    wanted = (
        "SELECT message_id, sequence, license_plate_text, sent_to_server, lp_image_filename, "
        "timestamp FROM detection_results WHERE sent_to_server <> 1 ORDER BY sequence"
    )
    before = asked(database, wanted)
    named = asked(database, "SELECT device_id, created_at FROM store")
    overwrite(database, pages_of(database, "sqlite_autoindex_camera_metadata_1")[:1])
    StateFile(database).write(State(left=Left.CORRUPT))
    opened = start(used)
    assert opened.recovered is not None
    assert opened.recovered.lost == 0
    assert asked(database, wanted) == before
    assert asked(database, "SELECT device_id, created_at FROM store") == named
    end(opened)


def test_overwritten_header_of_a_database_of_ours_does_not_stop_the_camera(used: Path) -> None:
    database = used / "lpr_data.db"
    overwrite(database, [1])
    opened = start(used)
    assert opened.recovered is not None
    assert opened.recovered.lost is None
    assert opened.outbox.record_plate(plate("ON")).sequence
    assert_books_balance(opened.outbox)
    assert len(asked(database, "SELECT 1 FROM evictions WHERE reason = 'corrupt_database'")) == 1
    end(opened)


def test_file_that_was_never_ours_is_left_alone(tmp_path: Path) -> None:
    stranger = tmp_path / "lpr_data.db"
    stranger.write_bytes(b"holiday pictures " * 1000)
    with pytest.raises(DatabaseUnusable, match="no SQLite database"):
        start(tmp_path)
    assert stranger.read_bytes().startswith(b"holiday")


def test_statement_that_finds_damage_makes_the_database_suspect(used: Path) -> None:
    database = used / "lpr_data.db"
    overwrite(database, pages_of(database, "sqlite_autoindex_camera_metadata_1"))
    opened = start(used)
    with pytest.raises(RecordingFailed, match="corrupt"):
        record_plates(opened.outbox)
    assert opened.outbox.is_suspect
    with pytest.raises(DatabaseCorrupt):
        opened.soundness.check_if_due()
    end(opened)
    opened = start(used)
    assert opened.recovered is not None
    end(opened)


BROKEN = "CAST(x'41b442' AS TEXT)"
"""What a flipped bit makes of a letter: no UTF-8."""


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE detection_results SET sent_timestamp = BROKEN WHERE sent_to_server = 1",
        "UPDATE watchlist SET plates = BROKEN, version = 'x'",
        "UPDATE store SET created_at = BROKEN",
        "UPDATE store SET device_id = BROKEN",
        "DELETE FROM watchlist",
    ],
)
def test_flipped_bits_in_a_text_end_neither_the_camera_nor_its_housekeeping(
    used: Path, damage: str
) -> None:
    asked(used / "lpr_data.db", damage.replace("BROKEN", BROKEN))
    opened = start(used)
    keeper = upkeep(opened.outbox)
    opened.outbox.sweep()
    opened.outbox.record_plate(plate("NEXT"))
    with contextlib.suppress(OutboxError):
        keeper.prune(keep_days=0)
    if opened.outbox.is_suspect:
        with pytest.raises(DatabaseCorrupt):
            opened.soundness.check_if_due()
        end(opened)
        opened = start(used)
        assert opened.recovered is not None
    assert opened.outbox.record_plate(plate("AFTER")).sequence > PLATES
    upkeep(opened.outbox).prune(keep_days=0)
    assert not opened.outbox.is_suspect
    end(opened)


def test_row_with_a_broken_text_is_all_that_a_recovery_loses(used: Path) -> None:
    database = used / "lpr_data.db"
    asked(
        database,
        f"UPDATE detection_results SET license_plate_text = {BROKEN} WHERE sequence IN (150, 300)",  # noqa: S608 - our own text
    )
    StateFile(database).write(State(left=Left.CORRUPT))
    opened = start(used)
    assert opened.recovered is not None
    assert (opened.recovered.rows, opened.recovered.lost) == (PLATES - 100 - 2, 2)
    assert_books_balance(opened.outbox)
    end(opened)


def test_damage_that_only_the_sender_meets_is_set_aside(used: Path) -> None:
    """An index leads to a row that is gone: quick_check does not see that."""
    database = used / "lpr_data.db"
    name = "detection_results_waiting"
    hidden = asked(database, f"SELECT * FROM sqlite_schema WHERE name = '{name}'")  # noqa: S608 - our own name
    schema = apsw.Connection(str(database))
    schema.config(apsw.SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1)
    schema.execute("DELETE FROM sqlite_schema WHERE name = ?", (name,))
    schema.close()
    asked(database, "DELETE FROM detection_results WHERE sequence = 200")
    schema = apsw.Connection(str(database))
    schema.config(apsw.SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1)
    schema.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", hidden[0])
    schema.close()
    opened = start(used)
    with pytest.raises(OutboxError, match="corrupt"):
        waiting(opened.outbox)
    with pytest.raises(DatabaseCorrupt):
        opened.soundness.check_if_due()
    end(opened)
    opened = start(used)
    assert len(waiting(opened.outbox)) == PLATES - 100 - 5 - 1
    end(opened)


def test_corrupt_database_on_a_full_disk_is_not_forgotten(tmp_path: Path) -> None:
    with small_disk(tmp_path / "card", megabytes=8) as card:
        opened = start(card)
        for number in range(20):
            opened.outbox.record_plate(plate(f"P{number}", width=32))
        opened.outbox.close()
        overwrite(card / "lpr_data.db", [1])
        filler = card / "somebody-else"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        with pytest.raises(DatabaseUnusable, match="free disk space"):
            start(card)
        filler.unlink()
        opened = start(card)
        assert opened.recovered is not None
        upkeep(opened.outbox).measure()  # as a running agent holds its reserve
        opened.outbox.record_plate(plate("NEXT"))
        opened.outbox.close()
        overwrite(card / "lpr_data.db", [1])
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        opened = start(card)  # in the reserve's room
        assert opened.recovered is not None
        end(opened)


def test_check_whose_time_cannot_be_written_is_not_made_again_and_again(used: Path) -> None:
    database = used / "lpr_data.db"
    long_ago = SystemClock().now() - timedelta(days=2)
    StateFile(database).write(State(left=Left.STOPPED, checked_at=long_ago))
    opened = start(used)
    (used / f".{database.name}.state.partial").mkdir()  # as where no file can be made
    assert opened.soundness.check_if_due() is True
    assert opened.soundness.check_if_due() is False
    end(opened)


async def test_damage_that_looking_after_pictures_meets_is_set_aside_before_anything_is_seen(
    used: Path,
) -> None:
    database = used / "lpr_data.db"
    age(used / "captured")
    overwrite(database, pages_of(database, "detection_results_message_id"))
    keys = {"DB_PATH": database, "AGENT_IMAGES_DIR": used / "captured", "AGENT_DEVICE_ID": "cam-1"}
    settings = load(AgentSettings, prefixes=PREFIXES, environ={}, env_files=(), overrides=keys)
    with pytest.raises(DatabaseCorrupt, match="set aside at the next start"):
        async with assembled(settings, parse_source("synthetic:")):
            pytest.fail("it watches into a database that takes no row")
    opened = start(used)
    assert opened.recovered is not None
    assert opened.recovered.rows == PLATES - 100
    assert len(list((used / "captured").glob("*.jpg"))) == PLATES
    end(opened)


@pytest.mark.parametrize("step", ["moved", "half built"])
def test_recovery_that_a_crash_cut_short_is_done_again(used: Path, step: str) -> None:
    database = used / "lpr_data.db"
    overwrite(database, pages_of(database, "detection_results")[5:6])
    file = StateFile(database)
    state = file.read()
    assert state is not None
    file.write(type(state)(left=Left.CORRUPT, aside="lpr_data.corrupt-x.db"))
    database.rename(used / "lpr_data.corrupt-x.db")
    if step == "half built":
        (used / "lpr_data.db.recovering").write_bytes(b"half")
    opened = start(used)
    assert opened.recovered is not None
    assert opened.recovered.rows > 150
    assert_books_balance(opened.outbox)
    end(opened)
    assert apsw.Connection(str(database)).pragma("integrity_check") == "ok"


def test_saved_row_that_the_server_had_already_is_taken_as_delivered(used: Path) -> None:
    """Under the new epoch the server answers its id with id_conflict."""
    StateFile(used / "lpr_data.db").write(State(left=Left.CORRUPT))
    opened = start(used)
    fresh = opened.outbox.record_plate(plate("FRESH"))
    rows = waiting(opened.outbox)
    store = opened.outbox.sending()
    for row in (rows[0], rows[-1]):
        refused = RowRefused(key=row.key, error="another row has this id", is_id_known=True)
        store.settle(Settlement(refused=[refused]))
    store.close()
    flags = dict(
        asked(used / "lpr_data.db", "SELECT sequence, sent_to_server FROM detection_results")
    )
    assert (flags[rows[0].row.sequence], flags[fresh.sequence]) == (1, 2)
    end(opened)

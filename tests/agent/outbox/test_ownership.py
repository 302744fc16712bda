"""A folder of pictures that several databases use: none removes what another still has to send."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import OutboxError
from agent.outbox.ownership import LIST_NAME
from agent.outbox.store import Outbox
from tests.agent.outbox.ends import age, upkeep
from tests.agent.outbox.sightings import plate


def pictures(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.jpg"))


def opened(folder: Path, database: str) -> Outbox:
    return Outbox.open(folder / database, folder / "captured", "cam-1")


@pytest.mark.parametrize("is_first", [True, False])
def test_start_with_another_database_leaves_waiting_pictures(
    tmp_path: Path, is_first: bool
) -> None:
    captured = tmp_path / "captured"
    for name in ("one.db", "two.db"):
        with opened(tmp_path, name) as outbox:
            outbox.record_plate(plate())
    kept = pictures(captured)
    age(captured)
    with opened(tmp_path, "one.db" if is_first else "two.db") as outbox:
        outbox.sweep()
    assert pictures(captured) == kept
    assert len(kept) == 2


def test_new_database_after_one_was_set_aside_leaves_its_pictures(tmp_path: Path) -> None:
    captured = tmp_path / "captured"
    with opened(tmp_path, "lpr_data.db") as outbox:
        outbox.record_plate(plate())
    (tmp_path / "lpr_data.db").rename(tmp_path / "lpr_data.corrupt.db")
    kept = pictures(captured)
    age(captured)
    with opened(tmp_path, "lpr_data.db") as outbox:
        assert outbox.sweep() == 0
    assert pictures(captured) == kept


def test_pictures_from_before_the_list_was_kept_are_left(tmp_path: Path) -> None:
    captured = tmp_path / "captured"
    with opened(tmp_path, "theirs.db") as outbox:
        outbox.record_plate(plate())
    (captured / LIST_NAME).unlink()
    kept = pictures(captured)
    age(captured)
    with opened(tmp_path, "ours.db") as outbox:
        outbox.record_plate(plate(seed=2))
        assert outbox.sweep() == 0
    assert set(kept) <= set(pictures(captured))


def test_half_written_picture_goes_from_a_shared_folder_too(tmp_path: Path) -> None:
    captured = tmp_path / "captured"
    for name in ("one.db", "two.db"):
        with opened(tmp_path, name) as outbox:
            recorded = outbox.record_plate(plate())
    (captured / f".{recorded.picture}.partial").write_bytes(b"half a pic")
    age(captured)
    with opened(tmp_path, "one.db") as outbox:
        assert outbox.sweep() == 1


def test_renamed_camera_sweeps_on(tmp_path: Path) -> None:
    captured = tmp_path / "captured"
    with opened(tmp_path, "lpr_data.db") as outbox:
        recorded = outbox.record_plate(plate())
    with Outbox.open(tmp_path / "lpr_data.db", captured, "cam-2") as outbox:
        orphan = str(recorded.picture).replace(recorded.message_id[-12:], "0" * 12)
        (captured / orphan).write_bytes(b"x")
        age(captured)
        assert outbox.sweep() == 1
    assert pictures(captured) == [recorded.picture]


def test_folder_that_cannot_be_used_does_not_hold_up_the_start_and_what_keeps_house(
    tmp_path: Path,
) -> None:
    (tmp_path / "captured").write_text("a file where the folder should be")
    with opened(tmp_path, "lpr_data.db") as outbox:
        assert outbox.sweep() == 0
        assert outbox.record_plate(plate()).picture is None
        outbox.spool.measured(2)
        keeper = upkeep(outbox, quota_bytes=1)
        with pytest.raises(OutboxError, match=r"cannot be counted .*Not a directory"):
            keeper.measure()
        with pytest.raises(OutboxError, match=r"cannot be given up .*Not a directory"):
            keeper.keep_within_limits()
        keeper.make_room(for_row=False)

"""A picture that cannot be opened costs its row the picture, never the program."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from agent.outbox.sending import SendingStore
from agent.outbox.store import Outbox
from tests.agent.outbox.older_camera import jpeg
from wire.rows import Table


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox.open(tmp_path / "lpr_data.db", tmp_path / "captured", "cam-1") as opened:
        yield opened


def with_size(content: bytes, width: int, height: int) -> bytes:
    """A JPEG whose header claims another size."""
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


def read(outbox: Outbox, content: bytes, *, small: bool = False) -> bytes | None:
    """What is sent of this picture, whose row an older camera's tool inserted."""
    (outbox.spool.folder / "older.jpg").write_bytes(content)
    tool = apsw.Connection(str(outbox.path))
    tool.execute(
        "INSERT INTO detection_results (frame_id, lp_image_filename) VALUES ('x', 'older.jpg')"
    )
    tool.close()
    store: SendingStore = outbox.sending()
    (row,) = store.waiting(Table.LPR_DETECTION, after_id=0, up_to_id=None, limit=9)
    picture = store.read_picture(row, small=small)
    store.close()
    return picture


@pytest.mark.parametrize("size", [(65_500, 65_500), (40_000, 30_000), (8_000, 7_000)])
@pytest.mark.parametrize("small", [False, True])
def test_picture_of_too_many_pixels_is_left_out(
    outbox: Outbox, size: tuple[int, int], small: bool
) -> None:
    assert read(outbox, with_size(jpeg(1), *size), small=small) is None
    assert (outbox.spool.folder / "older.jpg").exists()


def test_picture_that_is_cut_off_goes_as_it_is(outbox: Outbox) -> None:
    content = with_size(jpeg(1), 65_500, 65_500)[:-500]
    assert read(outbox, content) == content


def test_picture_that_fits_is_not_touched(outbox: Outbox) -> None:
    assert read(outbox, jpeg(1)) == jpeg(1)

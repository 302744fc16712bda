"""Rows share a frame as far as there is room; one that goes alone, and the first of all, go."""

from __future__ import annotations

from typing import Any

from agent.delivery import RowKey
from agent.uplink.framing import next_frame
from agent.uplink.lanes import Lane
from agent.uplink.message import PreparedRow
from agent.uplink.ready import Ready
from wire.rows import Table

ROOMY = {"most_rows": 10, "bytes_left": 1000, "target_bytes": 100, "is_first_of_all": False}


def ready(*rows: tuple[int, bool]) -> Ready:
    """Of rows with so many bytes, alone or not."""
    made = Ready()
    made.add(
        [
            PreparedRow(
                key=RowKey(table=Table.LPR_DETECTION, row_id=number),
                id=str(number),
                content=b"x" * size,
                lane=Lane.FRESH_SIGHTINGS,
                alone=alone,
            )
            for number, (size, alone) in enumerate(rows)
        ]
    )
    return made


def taken(waiting: Ready, **given: Any) -> list[str]:
    return [row.id for row in next_frame(waiting, **{**ROOMY, **given})]


def test_rows_share_a_frame_up_to_its_size_and_the_others_stay() -> None:
    waiting = ready((40, False), (40, False), (40, False))
    assert taken(waiting) == ["0", "1"]
    assert taken(waiting) == ["2"]
    assert taken(waiting) == []
    assert waiting.size_bytes == 0


def test_no_more_rows_go_than_the_server_takes() -> None:
    assert taken(ready((1, False), (1, False), (1, False)), most_rows=2) == ["0", "1"]


def test_without_room_nothing_goes_but_the_first_of_all() -> None:
    waiting = ready((500, False), (500, False))
    assert taken(waiting, bytes_left=400) == []
    assert taken(waiting, bytes_left=400, is_first_of_all=True) == ["0"]


def test_a_row_that_goes_alone_shares_no_frame() -> None:
    waiting = ready((1, False), (1, True), (1, False))
    assert [taken(waiting) for _ in range(3)] == [["0"], ["1"], ["2"]]

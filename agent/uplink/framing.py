"""Which rows share the next frame. Pure."""

from __future__ import annotations

from typing import Final

from agent.uplink.message import PreparedRow
from agent.uplink.ready import Ready

ENVELOPE_BYTES: Final = 64
"""What a frame adds around its rows, and a comma more a row."""


def next_frame(
    ready: Ready, *, most_rows: int, bytes_left: int, target_bytes: int, is_first_of_all: bool
) -> list[PreparedRow]:
    """Takes them out of `ready`, in order; none where there is no room now.

    `bytes_left` is what server and line allow beside what is in flight: a row `is_first_of_all`,
    with nothing in flight, goes however large it is. `target_bytes` is how large a frame of
    several rows may be.
    """
    rows: list[PreparedRow] = []
    size = 0
    while ready.rows and len(rows) < most_rows:
        row = ready.rows[0]
        after = size + len(row.content) + 1
        if (rows or not is_first_of_all) and after > bytes_left:
            break
        if rows and (after > target_bytes or row.alone):
            break
        rows.append(ready.pop())
        size = after
        if row.alone:
            break
    return rows

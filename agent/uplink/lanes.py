"""Which waiting row goes next: what is fresh before what piled up. Pure.

Sightings on the watchlist first, however old, then fresh sightings, then fresh health and
evictions, then the backlog, oldest first, so that after days offline the operator sees at once
what matters, and the present.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from typing import Final, NamedTuple

from wire.rows import Table


class Lane(IntEnum):
    """In the order of their precedence."""

    WATCHED = 0
    FRESH_SIGHTINGS = 1
    FRESH_REPORTS = 2
    BACKLOG = 3


class Stream(NamedTuple):
    """One table's share of a lane; its rows come in the order of their ids."""

    lane: Lane
    table: Table


SIGHTINGS: Final = frozenset({Table.LPR_DETECTION, Table.FACE_DETECTION})


def streams_of(tables: frozenset[Table]) -> tuple[Stream, ...]:
    """Every stream of these tables: each table is in one fresh lane and in the backlog. Plates that
    are watched for are in a lane of their own, and in no other."""
    ordered = [table for table in Table if table in tables]
    return (
        *(Stream(Lane.WATCHED, table) for table in ordered if table is Table.LPR_DETECTION),
        *(Stream(Lane.FRESH_SIGHTINGS, table) for table in ordered if table in SIGHTINGS),
        *(Stream(Lane.FRESH_REPORTS, table) for table in ordered if table not in SIGHTINGS),
        *(Stream(Lane.BACKLOG, table) for table in ordered),
    )


class Turn(NamedTuple):
    """Whose turn it is: rows of `stream` may go while they are no younger than `until`."""

    stream: Stream
    until: datetime | None


def next_turn(heads: Mapping[Stream, datetime]) -> Turn | None:
    """The turn among streams that have a row, by the capture time of their first; None if none.

    `until` is where a stream of the same lane would come first; None if there is no other.
    """
    ranked = sorted((stream.lane, head, stream.table) for stream, head in heads.items())
    if not ranked:
        return None
    lane, _, table = ranked[0]
    rival = ranked[1] if len(ranked) > 1 and ranked[1][0] == lane else None
    return Turn(Stream(lane, table), rival[1] if rival else None)

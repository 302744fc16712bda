from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.uplink.lanes import SIGHTINGS, Lane, Stream, next_turn, streams_of
from wire.rows import Table

START = datetime(2026, 1, 1, tzinfo=UTC)
STREAMS = streams_of(frozenset(Table))
SECONDS = st.integers(0, 20).map(lambda seconds: START + timedelta(seconds=seconds))
QUEUES = st.dictionaries(st.sampled_from(STREAMS), st.lists(SECONDS, min_size=1, max_size=6))


def deliver(queues: dict[Stream, list[datetime]]) -> list[tuple[Stream, datetime]]:
    """What a sender does with the turns, over queues that nobody adds to."""
    queues = {stream: list(times) for stream, times in queues.items()}
    sent: list[tuple[Stream, datetime]] = []
    while turn := next_turn({stream: times[0] for stream, times in queues.items() if times}):
        times = queues[turn.stream]
        sent.append((turn.stream, times.pop(0)))
        while times and (turn.until is None or times[0] <= turn.until):
            sent.append((turn.stream, times.pop(0)))
    return sent


@settings(deadline=None)
@given(QUEUES)
def test_every_row_goes_once_and_lanes_in_their_order(
    queues: dict[Stream, list[datetime]],
) -> None:
    sent = deliver(queues)
    assert len(sent) == sum(map(len, queues.values()))
    lanes = [stream.lane for stream, _ in sent]
    assert lanes == sorted(lanes)
    for stream, times in queues.items():
        assert [at for sender, at in sent if sender == stream] == times


@settings(deadline=None)
@given(QUEUES)
def test_within_a_lane_the_oldest_goes_first(queues: dict[Stream, list[datetime]]) -> None:
    ordered = {stream: sorted(times) for stream, times in queues.items()}
    sent = deliver(ordered)
    for lane in Lane:
        times = [at for stream, at in sent if stream.lane is lane]
        assert times == sorted(times)


def test_no_rows_no_turn() -> None:
    assert next_turn({}) is None


def test_each_table_has_a_fresh_lane_and_a_backlog_and_plates_one_of_their_own() -> None:
    for table in Table:
        lanes = [stream.lane for stream in STREAMS if stream.table is table]
        fresh = Lane.FRESH_SIGHTINGS if table in SIGHTINGS else Lane.FRESH_REPORTS
        watched = [Lane.WATCHED] if table is Table.LPR_DETECTION else []
        assert sorted(lanes) == [*watched, fresh, Lane.BACKLOG]


def test_older_servers_tables_have_no_other_streams() -> None:
    tables = frozenset({Table.LPR_DETECTION, Table.HEALTH_MONITOR})
    assert {stream.table for stream in streams_of(tables)} == tables

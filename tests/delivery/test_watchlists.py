"""A camera marks what the centre's lists speak of, by the same comparison."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agent.outbox.watching import WatchedPlates
from server.storage.reading.sightings import Matching
from server.watchlist.camera_lists import Holdings
from server.watchlist.rule_book import RuleBook
from server.watchlist.rules import EntryRule, Kind, ListRule, Scope, Seen, Subject

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOURS = st.none() | st.integers(-2, 2).map(lambda hours: NOON + timedelta(hours=hours))
CAMERAS = st.sets(st.sampled_from(["gate-1", "gate-2"])).map(frozenset)
SCOPES = st.builds(Scope, device_ids=CAMERAS, valid_from=HOURS, valid_until=HOURS)
PATTERNS = st.text("AB08OQก1I*? -", min_size=1, max_size=5)
LISTS = st.builds(
    ListRule,
    id=st.integers(1, 3),
    kind=st.just(Kind.ALERT),
    subject=st.just(Subject.PLATES),
    scope=st.builds(Scope, device_ids=CAMERAS),
    is_enabled=st.booleans(),
    goes_to_cameras=st.just(True),
)
ENTRIES = st.builds(
    EntryRule,
    id=st.integers(1, 12),
    list_id=st.integers(1, 4),
    plate=PATTERNS,
    matching=st.sampled_from(Matching),
    scope=SCOPES,
)


@given(
    lists=st.lists(LISTS, max_size=3),
    entries=st.lists(ENTRIES, max_size=6),
    reading=st.text("AB08OQก1I -", max_size=5),
    device_id=st.sampled_from(["gate-1", "gate-2", "gate-3"]),
)
def test_a_camera_marks_exactly_what_raises_an_alert(
    lists: list[ListRule], entries: list[EntryRule], reading: str, device_id: str
) -> None:
    book = RuleBook()
    for rule in lists:
        book.put_list(rule)
    for entry in entries:
        book.put_entry(entry)
    seen = Seen(subject=Subject.PLATES, sighting_id=1, device_id=device_id, at=NOON, plate=reading)
    held = WatchedPlates(Holdings(book.going()).of(device_id).plates)
    assert held.cover(reading, NOON) == bool(book.evaluate(seen, UTC))

"""What people do with lists: checked, audited, and whole files of entries taken in pieces."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from server.account_side import accounts_in_sqlite
from server.accounts.contract import Action, Caller, CallerKind
from server.accounts.lifetimes import Lifetimes
from server.accounts.permissions import TABLE, Role
from server.accounts.store import AccountStore
from server.bell import Bell
from server.errors import NotThere, QuestionInvalid, TooBusy
from server.storage.reading.sightings import Matching
from server.watchlist.contract import EntryDetails, ImportState, LineFault, ListDetails, Put
from server.watchlist.desk import WatchlistDesk
from server.watchlist.rules import Kind, Subject
from tests.extent import tries_everything
from tests.server.storage.history import NOON
from tests.server.watchlist.watching import Watch, watching_in

SOMCHAI = Caller(
    kind=CallerKind.TOKEN, name="somchai", address="192.0.2.7", permissions=TABLE[Role.OPERATOR]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    desk: WatchlistDesk
    accounts: AccountStore
    changed: Bell
    watch: Watch

    async def audited(self) -> list[tuple[str, str]]:
        page = await self.accounts.audit_page(action=Action.WATCHLIST_CHANGED)
        return [(each.actor, each.subject) for each in reversed(page.entries)]

    async def imported(self, list_id: int, *parts: bytes) -> ImportState:
        async def content() -> AsyncIterator[bytes]:
            for part in parts:
                yield part

        await self.desk.import_csv(SOMCHAI, list_id, content(), all_bytes=0)
        state = await self.desk.imported()
        assert state is not None
        return state

    async def plates(self, list_id: int) -> list[str]:
        page = await self.desk.entries(list_id, limit=200)
        return [each.details.plate for each in page.entries][::-1]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with watching_in(tmp_path) as watch:
        accounts = accounts_in_sqlite(watch.centre.database, Lifetimes(), lambda: NOON)
        changed = Bell()
        zone = ZoneInfo("Asia/Bangkok")
        desk = WatchlistDesk(watch.rules, accounts, changed, now=lambda: NOON, zone=zone)
        yield Office(desk=desk, accounts=accounts, changed=changed, watch=watch)
        await desk.close()
        await accounts.close()


async def test_lists_are_made_changed_and_deleted_and_each_is_audited(office: Office) -> None:
    desk = office.desk
    made = await desk.make_list(
        SOMCHAI, ListDetails(name="  gate  list ", schedule="mon 8:00-9:00")
    )
    assert (made.details.name, made.details.schedule) == ("gate list", "mon 08:00-09:00")
    assert (made.changed_by, made.changed_at, made.entries) == ("somchai", NOON, 0)
    changed = await desk.change_list(
        SOMCHAI, made.id, ListDetails(name="north", device_ids=("gate-1", "gate-1"))
    )
    assert changed.details.device_ids == ("gate-1",)
    assert await desk.lists() == (changed,)
    entry = (await desk.put_entry(SOMCHAI, made.id, EntryDetails(plate="ab 1"))).entry
    await desk.drop_entry(SOMCHAI, made.id, entry.id)
    await desk.drop_list(SOMCHAI, made.id)
    assert await desk.lists() == ()
    subjects = ["gate list", "gate list", "north", "north", "north"]
    assert await office.audited() == [("somchai", f"list {name}") for name in subjects]
    assert office.changed.rings == 5


async def test_a_plate_stands_once_in_a_list_and_is_found_by_what_is_remembered(
    office: Office,
) -> None:
    list_id = (await office.desk.make_list(SOMCHAI, ListDetails(name="a"))).id
    for details in (
        EntryDetails(plate="ab-1234", reason="first"),
        EntryDetails(plate="AB 1234", reason="second"),
        EntryDetails(plate="AB 1234", matching=Matching.EXACT),
        EntryDetails(plate="XY*9", reason="50% sure"),
    ):
        await office.desk.put_entry(SOMCHAI, list_id, details)
    page = await office.desk.entries(list_id)
    assert [(each.details.plate, each.details.reason) for each in page.entries] == [
        ("XY*9", "50% sure"),
        ("AB 1234", ""),
        ("AB 1234", "second"),
    ]
    assert (await office.desk.list_of(list_id)).entries == 3
    for search, count in (("b 12", 2), ("0% s", 1), ("likely", 0), ("_", 0), ("second", 1)):
        assert len((await office.desk.entries(list_id, search=search)).entries) == count, search
    first = await office.desk.entries(list_id, limit=2)
    rest = await office.desk.entries(list_id, before=first.next_before, limit=2)
    assert [len(first.entries), len(rest.entries), rest.next_before] == [2, 1, None]


async def test_what_is_said_of_an_entry_that_is_over_does_not_make_it_one_that_never_holds(
    office: Office,
) -> None:
    list_id = (await office.desk.make_list(SOMCHAI, ListDetails(name="a"))).id
    over = EntryDetails(plate="AB 1234", valid_until=NOON - timedelta(days=1))
    await office.desk.put_entry(SOMCHAI, list_id, over)
    again = EntryDetails(plate="AB 1234", valid_from=NOON)
    said = frozenset({"plate", "valid_from"})
    with pytest.raises(QuestionInvalid, match=r"valid_until=.*say both"):
        await office.desk.put_entry(SOMCHAI, list_id, again, said=said)
    assert (await office.desk.entries(list_id)).entries[0].details == over
    both = said | {"valid_until"}
    placed = await office.desk.put_entry(SOMCHAI, list_id, again, said=both)
    assert placed.entry.details == again


@pytest.mark.parametrize(
    ("details", "named"),
    [
        (EntryDetails(plate=" - "), "plate"),
        (EntryDetails(plate="*"), "kind unknown"),
        (EntryDetails(plate="A" * 65), "plate"),
        (EntryDetails(plate="??*"), "whoever passes at all: a list of kind unknown"),
        (EntryDetails(plate="? *-?*"), "whoever passes at all"),
        (EntryDetails(plate="<b>"), "'<' stands on no plate"),
        (EntryDetails(plate="A", reason="\x00"), "reason"),
        (EntryDetails(plate="A", schedule="soon"), "schedule"),
        (EntryDetails(plate="A", schedule="mon-sat 0:00-1:00;" * 27), "schedule"),
        (EntryDetails(plate="A", cooldown_s=-1), "cooldown_s"),
        (EntryDetails(plate="A", class_id=1), "class_id"),
        (EntryDetails(plate="A", valid_from=datetime(2026, 3, 1)), "offset"),  # noqa: DTZ001
        (EntryDetails(plate="A", valid_from=NOON, valid_until=NOON), "valid_until"),
    ],
)
async def test_what_is_wrong_with_an_entry_is_named(
    office: Office, details: EntryDetails, named: str
) -> None:
    list_id = (await office.desk.make_list(SOMCHAI, ListDetails(name="a"))).id
    with pytest.raises(QuestionInvalid, match=named):
        await office.desk.put_entry(SOMCHAI, list_id, details)
    assert (await office.desk.entries(list_id)).entries == ()


async def test_what_is_wrong_with_a_list_is_named(office: Office) -> None:
    made = await office.desk.make_list(SOMCHAI, ListDetails(name="a"))
    for details, named in (
        (ListDetails(name=" "), "name"),
        (ListDetails(name="a"), "another list is called so"),
        (ListDetails(name="b", least_likelihood=2), "least_likelihood"),
        (ListDetails(name="b", least_percent=101), "least_percent"),
        (ListDetails(name="b", subject=Subject.PERSONS, goes_to_cameras=True), "goes_to_cameras"),
        (ListDetails(name="b", kind=Kind.MUTE, goes_to_cameras=True), "goes_to_cameras"),
    ):
        with pytest.raises(QuestionInvalid, match=named):
            await office.desk.make_list(SOMCHAI, details)
    with pytest.raises(QuestionInvalid, match="make another list"):
        await office.desk.change_list(
            SOMCHAI, made.id, ListDetails(name="a", subject=Subject.PERSONS)
        )
    for missing in (99, -1, 2**70):
        with pytest.raises(NotThere, match="no watchlist"):
            await office.desk.list_of(missing)
        with pytest.raises(NotThere, match="no watchlist"):
            await office.desk.drop_entry(SOMCHAI, missing, 1)
        with pytest.raises(NotThere, match="no entry"):
            await office.desk.drop_entry(SOMCHAI, made.id, missing)


async def test_hours_that_are_taken_are_read_again_by_whoever_raises_alerts(
    office: Office,
) -> None:
    """As they are kept they are longer than they were given."""
    for number, hours in enumerate(("0:00-1:00;" * 50, "mon-sat 0:00-1:00;" * 27, "8:00-9:00")):
        details = ListDetails(name=f"list {number}", schedule=hours)
        with contextlib.suppress(QuestionInvalid):
            made = await office.desk.make_list(SOMCHAI, details)
            await office.desk.change_list(SOMCHAI, made.id, made.details)
    await office.watch.engine.look()
    assert (await office.desk.lists())[-1].details.schedule == "08:00-09:00"


async def test_a_number_of_thousands_of_digits_is_one_wrong_line(office: Office) -> None:
    list_id = (await office.desk.make_list(SOMCHAI, ListDetails(name="a"))).id
    state = await office.imported(list_id, b"plate,cooldown_s\nAB1," + b"9" * 5000 + b"\nAB2,1\n")
    assert (state.put, state.wrong, state.fault) == (Put(added=1, changed=0), 1, None)
    assert state.faults[0].reason.startswith("cooldown_s='999")


async def test_a_file_is_taken_and_each_wrong_line_is_told(office: Office) -> None:
    list_id = (await office.desk.make_list(SOMCHAI, ListDetails(name="a"))).id
    await office.desk.put_entry(SOMCHAI, list_id, EntryDetails(plate="AB1", reason="old"))
    content = (
        "\ufeffPlate,reason,valid_until,cooldown_s,schedule,matching\r\n"
        "ab-1,new,2026-08-06,,,\r\n"
        "*,,,,,\r\n"
        "\r\n"
        '"1กก 1234","two\r\nlines",2026-08-06T10:30+00:00,60,mon 8:00-9:00,exact\r\n'
        "XY1,,soon,,,\r\n"
        "XY2,,,a minute,,\r\n"
        "XY3,,,,,about\r\n"
        "XY4,,,,,,,\r\n"
    ).encode() + b"\xff\xfe,,,,,\r\n"
    state = await office.imported(list_id, content[:70], content[70:])
    assert (state.put, state.lines, state.wrong) == (Put(added=1, changed=1), 8, 6)
    assert (state.is_running, state.fault) == (False, None)
    assert state.done_bytes == state.all_bytes == len(content)
    told = {each.line: each.reason for each in state.faults}
    assert list(told) == [3, 7, 8, 9, 10, 11]
    for line, part in {3: "plate", 7: "valid_until='soon'", 8: "cooldown_s", 9: "about"}.items():
        assert part in told[line]
    assert "comma too many" in told[10]
    assert "UTF-8" in told[11]
    entries = (await office.desk.entries(list_id)).entries
    thai, first = (each.details for each in entries)
    assert (first.plate, first.reason) == ("ab-1", "new")
    said = "ab-1: plate AB1 → ab-1, reason 'old' → 'new', until nothing → 2026-08-06"
    assert state.changes == (said,)
    state = await office.imported(list_id, b"plate,cooldown_s\nab-1,7\nXY9,\n")
    assert (state.put, state.changes) == (
        Put(added=1, changed=1),
        ("ab-1: cooldown nothing → 7 s",),
    )
    again = await office.desk.entry_like(list_id, EntryDetails(plate="AB 1"))
    assert again is not None
    kept = (again.details.reason, again.details.valid_until, again.details.cooldown_s)
    assert kept == ("new", first.valid_until, 7)  # the file had no column for them
    assert first.valid_until == datetime(2026, 8, 6, 17, tzinfo=UTC)  # the end of that day there
    assert (thai.plate, thai.reason, thai.cooldown_s) == ("1กก 1234", "two lines", 60)
    assert (thai.matching, thai.schedule) == (Matching.EXACT, "mon 08:00-09:00")


async def test_a_quote_that_is_not_closed_makes_one_wrong_line(office: Office) -> None:
    list_id = (await office.desk.make_list(SOMCHAI, ListDetails(name="a"))).id
    lines = [f"P{number},real," for number in range(2, 61)]
    lines[0] = 'P2,"so called,'  # lines 2, 30, 31 and the last but one
    lines[1] = 'P3,"two\nlines",'  # lines 3 and 4
    lines[27] = 'P29,"begun,'
    lines[28] = 'P30,"so ""called"" ",'
    lines[-2] = 'P59,"at the end,'
    state = await office.imported(list_id, "\n".join(["plate,reason,schedule", *lines]).encode())
    assert [(each.line, each.reason) for each in state.faults] == [
        (line, "a quote is not closed") for line in (2, 30, 60)
    ]
    assert (state.lines, state.wrong, state.fault) == (59, 3, None)
    taken = await office.plates(list_id)
    assert taken == [f"P{number}" for number in range(2, 61) if number not in (2, 29, 59)]
    reasons = {
        each.details.plate: each.details.reason
        for each in (await office.desk.entries(list_id, limit=200)).entries
    }
    assert (reasons["P3"], reasons["P30"]) == ("two lines", 'so "called"')


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "names of the columns"),
        (b"AB1\nAB2\n", "names of the columns"),
        (b"plate,colour\nAB1,red\n", "a column 'colour', which is unknown: rename"),
        (b"plate,plate\nAB1,AB2\n", "twice"),
        (b"plate;reason\n", "no entries"),
        (b"plate," + b"x" * 200_000, "line 1: field larger"),
    ],
)
async def test_a_file_that_is_something_else_says_what_was_expected(
    office: Office, content: bytes, said: str
) -> None:
    list_id = (await office.desk.make_list(SOMCHAI, ListDetails(name="a"))).id
    state = await office.imported(list_id, content)
    assert state.fault is not None
    assert said in state.fault
    assert await office.plates(list_id) == []


async def test_a_file_that_breaks_off_takes_nothing_and_the_next_one_may_come(
    office: Office,
) -> None:
    list_id = (await office.desk.make_list(SOMCHAI, ListDetails(name="a"))).id

    async def broken() -> AsyncIterator[bytes]:
        yield b"plate\nAB1\n"
        with pytest.raises(TooBusy):
            await office.desk.import_csv(SOMCHAI, list_id, broken(), all_bytes=0)
        raise ConnectionError("the browser went")

    with pytest.raises(ConnectionError):
        await office.desk.import_csv(SOMCHAI, list_id, broken(), all_bytes=0)
    assert await office.plates(list_id) == []
    state = await office.imported(list_id, b"plate\tcameras\nAB2\tgate-1 gate-2\n")
    assert state.fault is None
    (entry,) = (await office.desk.entries(list_id)).entries
    assert entry.details.device_ids == ("gate-1", "gate-2")


async def test_persons_are_listed_by_their_number(office: Office) -> None:
    details = ListDetails(name="people", subject=Subject.PERSONS)
    list_id = (await office.desk.make_list(SOMCHAI, details)).id
    state = await office.imported(list_id, b"class_id,reason\n7,banned\n0,\nx,\n")
    assert [each.line for each in state.faults] == [3, 4]
    (entry,) = (await office.desk.entries(list_id)).entries
    assert (entry.details.class_id, entry.details.reason) == (7, "banned")
    assert isinstance(state.faults[0], LineFault)


async def test_what_was_imported_is_watched_for(office: Office) -> None:
    list_id = (await office.desk.make_list(SOMCHAI, ListDetails(name="a"))).id
    lines = b"".join(b"AB%d\n" % number for number in range(2500))
    state = await office.imported(list_id, b"plate\n", lines)
    assert state.put == Put(added=2500, changed=0)
    again = await office.imported(list_id, b"plate\n", lines, b"NEW1\n")
    assert again.put == Put(added=1, changed=0, same=2500)
    assert again.id == state.id + 1
    await office.watch.engine.look()
    assert len(office.watch.engine._book) == 2501  # noqa: SLF001 - what the engine looks at


async def test_a_list_of_very_many_plates_comes_in_pieces_and_says_how_far_it_is(
    office: Office,
) -> None:
    count = 100_000 if tries_everything() else 6_000
    list_id = (await office.desk.make_list(SOMCHAI, ListDetails(name="a"))).id
    lines = b"".join(b"AB%06d,stolen,2026-12-31\n" % number for number in range(count))
    told: list[ImportState | None] = []

    async def watched() -> None:
        while True:
            rings = office.changed.rings
            told.append(office.desk.import_state())
            await office.changed.heard(rings, within_s=60)

    watching = asyncio.create_task(watched())
    state = await office.imported(list_id, b"plate,reason,valid_until\n", lines)
    watching.cancel()
    assert (state.put, state.wrong, state.fault) == (Put(added=count, changed=0), 0, None)
    assert (await office.desk.list_of(list_id)).entries == count
    steps = [(each.lines, each.done_bytes) for each in told if each is not None and each.lines]
    assert len(steps) >= count // 2000
    assert steps == sorted(steps)
    assert all(done <= state.all_bytes for _, done in steps)

"""*Nothing missing*: a camera that was renamed, whose database was replaced, or whose clock was off
misses nothing by that, and what it does miss is seen."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from server.storage.reading.cameras import CameraBooks, EpochBooks
from tests.server.rows import hello_of
from tests.server.storage.history import NOON, Centre, centre_in, plate
from wire.accepted import AcceptedRow

MINUTE = timedelta(minutes=1)
WRONG_YEARS = (1970, 2023, 2090)


@dataclass
class Camera:
    """One that numbers on through names and databases; `given` are the numbers of each epoch."""

    centre: Centre
    device_id: str = "gate-1"
    epoch: str = "epoch-0"
    begins_after: int = 0
    last: int = 0
    wrong_year: int | None = None
    waiting: list[tuple[int, int | None]] = field(default_factory=list)
    given: dict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    begins: dict[tuple[str, str], int] = field(default_factory=dict)
    stored: dict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))

    async def greet(self) -> None:
        self.begins[self.device_id, self.epoch] = self.begins_after
        hello = hello_of(self.device_id, self.epoch)
        hello = msgspec.structs.replace(hello, epoch_after=self.begins_after)
        await self.centre.store.greet(hello, NOON)

    def capture(self, count: int) -> None:
        for _ in range(count):
            self.last += 1
            self.given[self.device_id, self.epoch].add(self.last)
            self.waiting.append((self.last, self.wrong_year))

    async def send(self, which: int) -> None:
        """Those of the waiting rows that have a bit in `which`."""
        chosen = [row for n, row in enumerate(self.waiting) if which >> (n % 8) & 1]
        self.waiting = [row for row in self.waiting if row not in chosen]
        if chosen:
            await self.centre.take(*(self._row(*row) for row in chosen))
        self.stored[self.device_id, self.epoch] |= {number for number, _ in chosen}

    def begin_anew(self, *, is_renamed: bool, lost: int) -> None:
        """Under another name, or in a new database with what could be saved of the old one."""
        number = len(self.begins)
        self.epoch, self.begins_after = f"epoch-{number}", self.last
        if is_renamed:
            self.device_id = f"gate-{number + 1}"
        else:
            self.waiting = [row for n, row in enumerate(self.waiting) if not lost >> (n % 8) & 1]

    def _row(self, number: int, wrong_year: int | None) -> AcceptedRow:
        at = NOON + number * MINUTE
        state = "synchronised"
        if wrong_year is not None:
            at = datetime(wrong_year, 5, 1, tzinfo=UTC) + number * MINUTE
            state = "unsynchronised"
        return plate(
            number,
            "AB1",
            at=at,
            device_id=self.device_id,
            epoch=self.epoch,
            clock_state=state,
        )


def missing_of(camera: Camera, device_id: str, epoch: str) -> set[int]:
    """What the epoch lacks, up to the highest number that came of it."""
    key = (device_id, epoch)
    here = set().union(*(found for (name, _), found in camera.stored.items() if name == device_id))
    last = max(camera.stored[key], default=0)
    return {number for number in camera.given[key] - here if number <= last}


def gaps_of(books: CameraBooks, epoch: str) -> list[int]:
    return [
        number
        for gap in books.gaps
        if gap.epoch == epoch
        for number in range(gap.first, gap.last + 1)
    ]


STEPS = st.one_of(
    st.tuples(st.just("capture"), st.integers(1, 6)),
    st.tuples(st.just("send"), st.integers(0, 255)),
    st.tuples(st.just("rename"), st.just(0)),
    st.tuples(st.just("replace"), st.integers(0, 255)),
    st.tuples(st.just("clock"), st.sampled_from([0, *WRONG_YEARS])),
)


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(STEPS, min_size=4, max_size=14))
def test_no_row_that_is_here_is_called_missing_and_each_that_is_not_is(
    steps: list[tuple[str, int]],
) -> None:
    async def walk(folder: Path) -> None:
        async with centre_in(folder) as centre:
            camera = Camera(centre)
            await camera.greet()
            for kind, value in steps:
                if kind == "capture":
                    camera.capture(value)
                elif kind == "send":
                    await camera.send(value)
                elif kind == "clock":
                    camera.wrong_year = value or None
                else:
                    camera.begin_anew(is_renamed=kind == "rename", lost=value)
                    await camera.greet()
            await check(camera)

    async def check(camera: Camera) -> None:
        for device_id in {name for (name, _), rows in camera.stored.items() if rows}:
            books = await camera.centre.cameras.books(device_id, until=NOON.date())
            for found in books.epochs:
                expected = missing_of(camera, device_id, found.epoch)
                gaps = gaps_of(books, found.epoch)
                assert found.missing == len(expected)
                assert len(gaps) == len(set(gaps))
                assert set(gaps) <= expected
                if all(kind != "clock" for kind, _ in steps):
                    assert set(gaps) == expected

    with TemporaryDirectory() as folder:
        asyncio.run(walk(Path(folder)))


async def test_a_renamed_camera_begins_where_its_former_name_ended(tmp_path: Path) -> None:
    async with centre_in(tmp_path) as centre:
        camera = Camera(centre)
        camera.capture(9)
        await camera.greet()
        await camera.send(0b11101111)
        camera.begin_anew(is_renamed=True, lost=0)
        camera.capture(3)
        await camera.greet()
        await camera.send(0b1111)
        (books,) = (await centre.cameras.books(camera.device_id, until=NOON.date())).epochs
        assert (books.begins_after, books.captured, books.rows_before) == (9, 3, 1)
        assert books.missing == 0


async def test_an_older_agent_does_not_say_where_its_epoch_begins(tmp_path: Path) -> None:
    async with centre_in(tmp_path) as centre:
        await centre.store.greet(hello_of(), NOON)
        await centre.take(plate(5, "AB1"), plate(7, "AB2"))
        found = await centre.cameras.books("gate-1", until=NOON.date())
        assert [(gap.first, gap.last) for gap in found.gaps] == [(6, 6)]
        (books,) = found.epochs
        assert (books.begins_after, books.missing) == (None, 5)
        await _learn(centre, 4)
        (learnt,) = (await centre.cameras.books("gate-1", until=NOON.date())).epochs
        assert (learnt.begins_after, learnt.rows_before, learnt.missing) == (4, 0, 1)


async def test_rows_that_came_before_the_beginning_was_known_are_counted_then(
    tmp_path: Path,
) -> None:
    async with centre_in(tmp_path) as centre:
        await centre.store.greet(hello_of(), NOON)
        await centre.take(plate(3, "AB1"), plate(5, "AB1"), plate(7, "AB2"))
        books = await _learn(centre, 4)
        assert (books.rows_before, books.missing) == (1, 1)


async def _learn(centre: Centre, begins_after: int) -> EpochBooks:
    hello = msgspec.structs.replace(hello_of(), epoch_after=begins_after)
    await centre.store.greet(hello, NOON)
    (books,) = (await centre.cameras.books("gate-1", until=NOON.date())).epochs
    return books


async def test_rows_of_a_clock_that_was_off_leave_no_holes_where_they_belong(
    tmp_path: Path,
) -> None:
    async with centre_in(tmp_path) as centre:
        camera = Camera(centre)
        await camera.greet()
        camera.capture(4)
        camera.wrong_year = 1970
        camera.capture(4)
        camera.wrong_year = None
        camera.capture(4)
        await camera.send(0b11111101)
        found = await centre.cameras.books("gate-1", until=NOON.date())
        assert [(gap.first, gap.last) for gap in found.gaps] == [(10, 10), (2, 2)]
        (day,) = found.days
        assert day.acknowledged == 10


async def test_rows_of_a_clock_that_was_never_set_count_on_the_day_when_they_came(
    tmp_path: Path,
) -> None:
    async with centre_in(tmp_path) as centre:
        camera = Camera(centre)
        await camera.greet()
        camera.wrong_year = 1970
        camera.capture(6)
        await camera.send(0b111011)
        found = await centre.cameras.books("gate-1", until=NOON.date())
        assert [(gap.first, gap.last) for gap in found.gaps] == [(3, 3)]
        (day,) = found.days
        assert (day.day, day.acknowledged, day.unexplained) == (NOON.date(), 5, 1)
        earlier = await centre.cameras.books("gate-1", until=NOON.date() - timedelta(days=2))
        assert earlier.days == ()

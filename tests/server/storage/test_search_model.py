"""Search against the simplest matcher that can be thought of, over all that a plate may hold."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.errors import QuestionInvalid
from server.storage.adoption import prepare_database
from server.storage.pictures import PictureArchive
from server.storage.reader_pool import ReaderPool
from server.storage.reading.sightings import Matching, Order, SightingFilter
from server.storage.sightings import StoredSightings
from tests.server.storage.history import NOON

ALIKE = ("0OQD", "1IL", "8B", "5S", "2Z")
CHARACTERS = "0OQD1IL8B5S2ZAo b1-.·กขฮุ์ä[]"
PLATES = st.text(CHARACTERS, max_size=6).map(lambda text: unicodedata.normalize("NFC", text))
QUESTIONS = st.text(CHARACTERS + "**??", min_size=1, max_size=5)


class Asked:
    """A database of a few plates, asked as the pages ask it."""

    def __init__(self, folder: Path) -> None:
        path = folder / "server.db"
        prepare_database(path, zone_of=lambda _: NOON.tzinfo, now=NOON)
        self._writer = apsw.Connection(str(path))
        self._pool = ReaderPool(path)
        self._archive = PictureArchive(folder / "pictures", read_only=True)
        self._sightings = StoredSightings(self._pool, self._archive)
        self._runner = asyncio.Runner()

    def close(self) -> None:
        self._runner.close()
        self._pool.close()
        self._archive.close()
        self._writer.close()

    def hold(self, plates: list[tuple[str, str | None]]) -> None:
        """These alone, read and as corrected; numbered from 1."""
        with self._writer:
            self._writer.execute("DELETE FROM lpr_detections")
            self._writer.executemany(
                "INSERT INTO lpr_detections (id, license_plate, corrected_plate, captured_at, "
                "received_at, device_id) VALUES (?, ?, ?, ?, ?, 'gate-1')",
                [
                    (number, read, corrected, NOON.isoformat(), NOON.isoformat())
                    for number, (read, corrected) in enumerate(plates, start=1)
                ],
            )

    def found(self, plate: str, matching: Matching, order: Order) -> list[tuple[int, float | None]]:
        """Numbers and likelihoods, from page to page until there are no more."""
        chosen, cursor = SightingFilter(plate=plate, matching=matching), None
        found: list[tuple[int, float | None]] = []
        while True:
            page = self._runner.run(
                self._sightings.page(chosen, order=order, cursor=cursor, limit=3)
            )
            found += [(card.id, card.likelihood) for card in page.cards]
            cursor = page.next_cursor
            if cursor is None:
                return found


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    opened = Asked(tmp_path_factory.mktemp("search"))
    yield opened
    opened.close()


def plain(text: str) -> str:
    """Without what does not count."""
    kept = (each for each in unicodedata.normalize("NFC", text) if each not in " -.·")
    return "".join(each.upper() if each.isascii() else each for each in kept)


def is_like(wanted: str, plate: str, matching: Matching) -> bool:
    if not wanted:
        return not plate
    if wanted[0] == "*":
        return any(is_like(wanted[1:], plate[at:], matching) for at in range(len(plate) + 1))
    if not plate:
        return False
    one, other = wanted[0], plate[0]
    is_alike = matching is Matching.LIKELY and any(one in each and other in each for each in ALIKE)
    is_right = one in ("?", other) or is_alike
    return is_right and is_like(wanted[1:], plate[1:], matching)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    plates=st.lists(st.tuples(PLATES, st.none() | PLATES), max_size=7),
    question=QUESTIONS,
    matching=st.sampled_from(list(Matching)),
    order=st.sampled_from(list(Order)),
)
def test_what_is_found_is_what_is_like_it_and_each_once(
    asked: Asked,
    plates: list[tuple[str, str | None]],
    question: str,
    matching: Matching,
    order: Order,
) -> None:
    asked.hold(plates)
    wanted = plain(question)
    try:
        found = asked.found(question, matching, order)
    except QuestionInvalid:
        assert order is Order.LIKELIEST
        assert set(wanted) <= {"*"}, "only without a plate nothing can be likelier than another"
        return
    held = {
        number: plain(read if corrected is None else corrected)
        for number, (read, corrected) in enumerate(plates, start=1)
    }
    is_asked = not set(wanted) <= {"*"}
    expected = {n for n, plate in held.items() if not is_asked or is_like(wanted, plate, matching)}
    numbers = [number for number, _ in found]
    assert sorted(numbers) == sorted(expected)
    for number, likelihood in found:
        if is_asked and likelihood is not None:
            assert (likelihood == 1.0) == is_like(wanted, held[number], Matching.EXACT)
    if order is Order.LIKELIEST:
        told = [likelihood or 0.0 for _, likelihood in found]
        assert told == sorted(told, reverse=True)
    else:
        assert numbers == sorted(numbers, reverse=True)

"""Readings put right: kept beside the original, found by what they are held to be, taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.errors import NotThere, QuestionInvalid
from server.storage.reading.sightings import SightingFilter
from tests.server.storage.history import NOON, Site, plate


@pytest.fixture
async def centre(either: Site) -> Site:
    await either.take(plate(1, "A8C 123"), plate(2, "OTHER"))
    return either


async def found(centre: Site, text: str) -> list[tuple[str, str]]:
    page = await centre.sightings.page(SightingFilter(plate=text))
    return [(card.plate, card.read_plate) for card in page.cards]


async def correct(centre: Site, text: str, *, after_s: int = 0) -> None:
    now = NOON + timedelta(seconds=after_s)
    await centre.corrections.correct(1, text, by="somchai", now=now, note="seen in the picture")


async def undo(centre: Site) -> str:
    await centre.corrections.undo(1, by="somchai", now=NOON)
    return (await centre.sightings.detail(1)).card.plate


async def test_a_corrected_plate_is_shown_and_found_beside_what_was_read(centre: Site) -> None:
    await correct(centre, " XYZ  999 ")
    assert await found(centre, "xyz999") == [("XYZ 999", "A8C 123")]
    assert await found(centre, "*999") == [("XYZ 999", "A8C 123")]
    assert await found(centre, "A8C123") == []
    detail = await centre.sightings.detail(1)
    (correction,) = detail.corrections
    assert (correction.plate, correction.plate_before) == ("XYZ 999", "A8C 123")
    assert (correction.by, correction.at, correction.note) == (
        "somchai",
        NOON,
        "seen in the picture",
    )
    assert detail.card.is_corrected
    chosen = SightingFilter(is_corrected=True)
    assert [card.id for card in (await centre.sightings.page(chosen)).cards] == [1]


async def test_each_undo_takes_back_one_more_and_the_history_keeps_all(centre: Site) -> None:
    await correct(centre, "SECOND")
    await correct(centre, "THIRD", after_s=1)
    assert [await undo(centre), await undo(centre)] == ["SECOND", "A8C 123"]
    with pytest.raises(QuestionInvalid, match="no correction is left to undo"):
        await undo(centre)
    detail = await centre.sightings.detail(1)
    assert not detail.card.is_corrected
    assert [(each.plate, each.undoes) for each in detail.corrections] == [
        ("SECOND", None),
        ("THIRD", None),
        ("SECOND", 2),
        (None, 1),
    ]


async def test_correcting_back_to_what_was_read_is_no_correction_any_more(centre: Site) -> None:
    await correct(centre, "SECOND")
    await correct(centre, "A8C 123")
    assert not (await centre.sightings.detail(1)).card.is_corrected
    assert await undo(centre) == "SECOND"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A8C 123", "says so already"),
        ("  ", "expected what is on the plate"),
        ("X" * 65, "at most 64 printable"),
        ("X\u202eY", "at most 64 printable"),
    ],
)
async def test_a_correction_that_says_nothing_is_refused(
    centre: Site, text: str, expected: str
) -> None:
    with pytest.raises(QuestionInvalid, match=expected):
        await correct(centre, text)
    assert (await centre.sightings.detail(1)).corrections == ()


async def test_thai_is_kept_in_one_form(centre: Site) -> None:
    await correct(centre, "1กก e\u0301")
    assert (await centre.sightings.detail(1)).card.plate == "1กก \u00e9"


async def test_what_is_not_there_cannot_be_corrected(centre: Site) -> None:
    for number in (0, 3, 2**70):
        with pytest.raises(NotThere, match="there is no sighting"):
            await centre.corrections.correct(number, "X", by="somchai", now=NOON)


async def test_corrections_go_with_their_sighting(centre: Site) -> None:
    await correct(centre, "XYZ")
    await centre.give_up(older_than_days=1, now=NOON + timedelta(days=3))
    assert await centre.query("SELECT count(*) FROM corrections") == [(0,)]

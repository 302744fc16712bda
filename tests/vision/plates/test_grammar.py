"""Texts as read become plates by few corrections; everything else is refused."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vision.plates.cheapest import cheapest_fit
from vision.plates.formats import (
    PLACE,
    PLACES,
    PlateFormat,
    formats_of,
    personal_formats_of,
)
from vision.plates.grammar import Fit, fits
from vision.reading import CharacterReading

ALL = formats_of(["eu", "us", "br", "th"])


def read(text: str, confidence: float = 0.9) -> list[CharacterReading]:
    return [CharacterReading(text=character, confidence=confidence) for character in text]


def fit(text: str, *regions: str) -> str | None:
    found = cheapest_fit(read(text), formats_of(regions))
    return None if found is None else found.text


@pytest.mark.parametrize(
    ("region", "text", "plate"),
    [
        ("eu", "RK-755AJ", "RK755AJ"),
        ("eu", "RK-340A0", "RK340AO"),
        ("eu", "RK-O99AN", "RK099AN"),
        ("eu", "0Y09 FEU", "OY09FEU"),
        ("eu", "4B0:4979", "4B04979"),
        ("eu", "4B281875", "4B21875"),
        ("eu", "WSQ 3021", "WSQ3021"),
        ("eu", "SK RK755AJ", "RK755AJ"),
        ("us", "UHI-N2A", "UH1N2A"),
        ("us", "CHO-P8Y", "CH0P8Y"),
        ("us", "SHOLR7X", "SH0R7X"),
        ("us", "SB37X6N", "SB3X6N"),
        ("us", "463 9520", "4639520"),
        ("br", "0KL-1235", "OKL1235"),
        ("br", "PJI-592I", "PJI5921"),
        ("br", "BRA2E19", "BRA2E19"),
    ],
)
def test_reading_becomes_the_plate(region: str, text: str, plate: str) -> None:
    assert fit(text, region) == plate


@pytest.mark.parametrize(
    "text",
    [
        "CITROEN", "OCTAVIA", "NORTH", "LOXUS", "PUNTO", "GENUINE", "091017", "2014-05-13",
        "07:41:21", "2014-05-02 06:41:49", "CUMBERLAND AVE", "BA-SALVADOR", "1-800-GO-PENSKE",
        "TEXAS", "C2", "EXIT 79", "", "79B", "1/4 MILE", "-", "KMBORAKX1", "CARBRAXX",
        "TRUCK RENTAL",
    ],
)  # fmt: skip
@pytest.mark.parametrize("regions", [(), ("eu",), ("br",), ("eu", "us", "br")])
def test_everyday_text_is_no_plate(text: str, regions: tuple[str, ...]) -> None:
    assert fit(text, *regions) is None


@pytest.mark.parametrize(
    ("text", "plate"), [("KM-BORAK", "KMBORAK"), ("KMBORA1", "KMBORA1"), ("PERSONA", None)]
)
def test_letters_alone_are_a_personal_plate_only_with_the_arms_between_them(
    text: str, plate: str | None
) -> None:
    found = cheapest_fit(read(text), personal_formats_of(["eu"]))
    assert (None if found is None else found.text) == plate


def test_look_alikes_other_than_zero_and_one_are_left_alone() -> None:
    assert fit("LGLS168", "us") is None
    assert fit("RKZ55AJ", "sk") is None


def test_zero_first_makes_no_czech_plate() -> None:
    assert fit("0ZR-2224", "cz") is None
    assert fit("0ZR-2224", "cz", "br") == "OZR2224"


def test_what_is_left_out_is_no_least_certain_character() -> None:
    characters = read("RK-755AJ")
    characters[2] = CharacterReading(text="-", confidence=0.1)
    characters[5] = CharacterReading(text="5", confidence=0.6)
    found = cheapest_fit(characters, formats_of(["sk"]))
    assert found is not None
    assert found.least_certain == 0.6


@pytest.mark.parametrize(
    ("region", "text"),
    [("sk", "RK-O99AN"), ("sk", "SK RK755AJ"), ("cz", "4B281875"), ("us", "SHOLR7X")],
)
def test_a_bent_text_costs_more_than_one_that_was_only_parted_otherwise(
    region: str, text: str
) -> None:
    bent = cheapest_fit(read(text), formats_of([region]))
    parted = cheapest_fit(read("RK755AJ"), formats_of(["sk"]))
    assert bent is not None
    assert parted is not None
    assert bent.cost > parted.cost + 0.15


@pytest.mark.parametrize("text", ["OPEN 24H", "SUITE 200", "TAXI 4321", "2024 ABCD1", "ABC 1234X"])
def test_guessing_leaves_out_no_certain_character(text: str) -> None:
    found = cheapest_fit(read(text, 0.97), formats_of([]), is_guess=True)
    assert found is None or found.text == plain(text)


def test_guessing_leaves_out_a_doubtful_edge_and_a_countrys_strip() -> None:
    doubtful = [CharacterReading(text="8", confidence=0.6), *read("RK 755AJ", 0.97)]
    found = cheapest_fit(doubtful, formats_of([]), is_guess=True)
    assert found is not None
    assert found.text == "RK755AJ"
    found = cheapest_fit(read("SK RK755AJ", 0.97), formats_of([]), is_guess=True)
    assert found is not None
    assert found.text == "RK755AJ"


def test_swapped_character_keeps_what_was_read_as_alternative() -> None:
    found = cheapest_fit(read("RK-O99AN", 0.8), formats_of(["sk"]))
    assert found is not None
    assert found.kept[2] == CharacterReading(text="0", confidence=0.8, alternatives=(("O", 0.4),))


def letters_of(plate_format: PlateFormat, slot: str, *, is_later: bool) -> str:
    """What may stand in a slot; `is_later`: behind the first digit."""
    out = plate_format.without | (plate_format.later_without if is_later else frozenset())
    letters = "".join(c for c in string.ascii_uppercase if c not in out)
    kinds = {"L": letters, "D": string.digits, "N": string.digits[1:], "T": "กขคฮ"}
    return kinds.get(slot, string.digits + string.ascii_uppercase)


def laid_out(plate_format: PlateFormat) -> list[tuple[str, bool]]:
    """Each slot, and whether it stands behind the first digit."""
    slots = [slot for slot in plate_format.slots if slot not in PLACES]
    first = next((i for i, slot in enumerate(slots) if slot not in "LT"), len(slots))
    return [(slot, i >= first) for i, slot in enumerate(slots)]


@st.composite
def plates(draw: st.DrawFn) -> tuple[PlateFormat, str]:
    """A format, and a text that it allows, with or without marks at its places."""
    plate_format = draw(st.sampled_from(ALL))
    text = ""
    core = iter(laid_out(plate_format))
    for slot in plate_format.slots:
        if slot in PLACES:
            marks = ["", "-", " ", ":"] if slot == PLACE else ["-", " ", ":"]
            text += draw(st.sampled_from(marks))
        else:
            kind, is_later = next(core)
            text += draw(st.sampled_from(letters_of(plate_format, kind, is_later=is_later)))
    for prefix in plate_format.prefixes[:1]:
        text = prefix + text[len(prefix) :]
    if plate_format.is_personal and "A" in plate_format.slots:
        text = "A1" + text[2:]
    return plate_format, text


def plain(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


@given(plates())
def test_every_text_of_a_format_fits_it_unchanged(drawn: tuple[PlateFormat, str]) -> None:
    plate_format, text = drawn
    found = cheapest_fit(read(text), [plate_format])
    assert found is not None
    assert found.text == plain(text)


@given(plates(), st.data())
def test_one_zero_or_one_misread_is_mended(
    drawn: tuple[PlateFormat, str], data: st.DataObject
) -> None:
    plate_format, text = drawn
    swaps = {"O": "0", "0": "O", "I": "1", "1": "I"}
    places = [i for i, character in enumerate(text) if character in swaps]
    classes = [character.isdigit() for character in plain(text)]
    if not places or classes.count(True) < 2 or classes.count(False) < 2:
        return
    if plate_format.is_rare or plate_format.prefixes or plate_format.later_without:
        return
    at = data.draw(st.sampled_from(places))
    misread = text[:at] + swaps[text[at]] + text[at + 1 :]
    found = cheapest_fit(read(misread), [plate_format])
    assert found is not None
    assert found.text == plain(text)


@given(st.text(alphabet=string.ascii_uppercase + string.digits + "-. :", max_size=14))
def test_whatever_is_read_a_fit_obeys_its_format(text: str) -> None:
    for found in fits(read(text), ALL):
        assert obeys(found)
        assert len(found.kept) == found.format.length
        assert found.cost >= 0


def obeys(found: Fit) -> bool:
    return all(
        character in letters_of(found.format, slot, is_later=is_later)
        for character, (slot, is_later) in zip(found.text, laid_out(found.format), strict=True)
    )

"""A number with a line below it is a Thai plate, even where no network reads its letters."""

from __future__ import annotations

import pytest

from vision.geometry import Box, Quad
from vision.plates.ctc import TextLine
from vision.plates.hypotheses import Hypothesis
from vision.plates.judging import Line
from vision.plates.surroundings import Ground
from vision.plates.text_regions import TextRegion
from vision.plates.thai_lines import may_be_thai, partial_reading, province_line, with_province
from vision.reading import CharacterReading, PlateReading

VISIBLE = Box(x1=0, y1=0, x2=640, y2=480)
OPEN = Ground(above=None, below=None, left=None, right=None)
PLATE = Ground(above=0.2, below=0.9, left=0.2, right=0.2)


def region(left: float, top: float, width: float, height: float) -> TextRegion:
    right, bottom = left + width, top + height
    quad: Quad = ((left, top), (right, top), (right, bottom), (left, bottom))
    return TextRegion(quad=quad, score=0.8)


NUMBER, BELOW = region(100, 100, 160, 40), region(115, 140, 130, 24)


def line(text: str, *sure: float, at: TextRegion = NUMBER, ground: Ground = PLATE) -> Line:
    sure = sure or (0.98,) * len(text)
    characters = tuple(
        CharacterReading(text=c, confidence=s) for c, s in zip(text, sure, strict=True)
    )
    read = TextLine(characters=characters, positions=(0.5,) * len(text))
    return Line(region=at, looks=((Hypothesis(line=read, doubt=0.0),),), ground=ground)


MURMUR = line("ANS", 0.35, 0.44, 0.43, at=BELOW)


def partial(one: Line, below: Line | None = MURMUR, *, is_guess: bool = False) -> str | None:
    found = partial_reading(one, below, visible=VISIBLE, is_guess=is_guess)
    return None if found is None else found.text


def test_the_digits_are_read_and_marked_partial() -> None:
    found = partial_reading(line("1NN 1234"), MURMUR, visible=VISIBLE, is_guess=False)
    assert isinstance(found, PlateReading)
    assert (found.text, found.region, found.is_partial) == ("1234", "th", True)
    assert found.confidence == 0.98
    assert "".join(c.text for c in found.characters) == "1234"


@pytest.mark.parametrize(
    ("read", "digits"), [("N~ 987", "987"), ("0 5", "5"), ("111234", "1234"), ("NN1234-", "1234")]
)
def test_the_number_ends_the_line_and_has_four_digits_at_most(read: str, digits: str) -> None:
    assert partial(line(read)) == digits


@pytest.mark.parametrize("read", ["1234", "NN", "", "CHEVROLET 1500", "BUS 123", "12:30:45X"])
def test_other_texts_are_no_thai_numbers(read: str) -> None:
    assert partial(line(read)) is None


def test_a_line_below_or_the_ground_of_a_plate_is_needed() -> None:
    assert partial(line("NN 1234", ground=OPEN), None) is None
    assert partial(line("NN 1234", ground=PLATE), None) == "1234"
    assert partial(line("NN 1234", ground=OPEN)) == "1234"


def test_while_guessing_letters_and_province_must_look_foreign() -> None:
    hesitant = line("1NN 1234", 1.0, 0.9, 0.95, 0.9, 1.0, 1.0, 1.0, 1.0)
    assert partial(hesitant, is_guess=True) == "1234"
    assert partial(line("AKS 4329", *([1.0] * 8)), is_guess=True) is None
    assert partial(line("5L0D951", 1.0, 0.9, 0.6, 0.9, 1.0, 1.0, 1.0), is_guess=True) is None
    assert partial(hesitant, line("CALIFORNIA", at=BELOW), is_guess=True) is None
    assert partial(hesitant, None, is_guess=True) is None


def test_doubtful_digits_are_not_given() -> None:
    assert partial(line("NN 1234", *([0.9] * 6), 0.3)) is None


def test_only_a_number_is_looked_at_further() -> None:
    assert may_be_thai(line("1NN 1234"))
    assert not may_be_thai(line("TOYOTA"))
    assert not may_be_thai(line(""))


@pytest.mark.parametrize(
    ("other", "is_province"),
    [
        (region(115, 140, 130, 24), True),
        (region(115, 60, 130, 24), False),
        (region(115, 220, 130, 24), False),
        (region(300, 140, 130, 24), False),
        (region(115, 140, 130, 44), False),
        (region(170, 140, 20, 24), False),
    ],
)
def test_the_province_stands_centred_below_smaller_and_close(
    other: TextRegion, is_province: bool
) -> None:
    assert (province_line(NUMBER, [NUMBER, other]) is other) is is_province


def test_the_province_is_added_where_the_line_names_one() -> None:
    reading = partial_reading(line("1NN 1234"), MURMUR, visible=VISIBLE, is_guess=False)
    assert reading is not None
    assert with_province(reading, line("เชียงใหม", at=BELOW)).province == "เชียงใหม่"
    assert with_province(reading, MURMUR).province is None
    assert with_province(reading, None) is reading

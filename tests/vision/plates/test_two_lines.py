"""Two lines above one another are one plate where they fit a format together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.vision.plates.rendered import pasted
from vision.geometry import Box, Quad
from vision.plates.ctc import TextLine
from vision.plates.formats import formats_of
from vision.plates.hypotheses import Hypothesis
from vision.plates.judging import Expected, Line
from vision.plates.reader import EmbeddedPlateReader
from vision.plates.surroundings import Ground
from vision.plates.text_regions import TextRegion
from vision.plates.two_lines import MOST_PAIRS, joined, stacked
from vision.reading import CharacterReading, Picture


def region(left: float, top: float, width: float, height: float) -> TextRegion:
    right, bottom = left + width, top + height
    quad: Quad = ((left, top), (right, top), (right, bottom), (left, bottom))
    return TextRegion(quad=quad, score=0.8)


WHOLE = Box(x1=0, y1=0, x2=640, y2=480)
UPPER, LOWER = region(120, 100, 60, 40), region(105, 145, 100, 40)


def line(at: TextRegion, *texts: tuple[str, float]) -> Line:
    look = tuple(
        Hypothesis(
            line=TextLine(
                characters=tuple(CharacterReading(text=c, confidence=0.9) for c in text),
                positions=(0.5,) * len(text),
            ),
            doubt=doubt,
        )
        for text, doubt in texts
    )
    return Line(region=at, looks=(look,))


def square_plate(upper: str, lower: str) -> Picture:
    """A white plate of 280x200 mm."""
    image = Image.new("RGB", (560, 400), (245, 245, 240))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 559, 399), outline=(20, 20, 20), width=8)
    font = ImageFont.load_default(size=190)
    for text, middle in ((upper, 105), (lower, 290)):
        draw.text(
            (280, middle), text, font=font, fill=(15, 15, 15), anchor="mm",
            stroke_width=4, stroke_fill=(15, 15, 15),
        )  # fmt: skip
    return np.ascontiguousarray(np.asarray(image, dtype=np.uint8)[..., ::-1])


def test_lines_of_one_plate_are_paired_upper_first() -> None:
    assert stacked([LOWER, UPPER]) == [(UPPER, LOWER)]


@pytest.mark.parametrize(
    "other",
    [
        region(120, 220, 60, 40),
        region(400, 145, 100, 40),
        region(120, 145, 60, 12),
        region(40, 145, 300, 40),
    ],
    ids=["far", "aside", "small", "long"],
)
def test_other_lines_are_not(other: TextRegion) -> None:
    assert stacked([UPPER, other]) == []


def test_a_page_of_text_gives_few_pairs() -> None:
    page = [region(100, 40 * i, 90, 38) for i in range(20)]
    assert len(stacked(page)) == MOST_PAIRS


def test_texts_of_both_are_joined_likeliest_first() -> None:
    whole = joined(
        line(UPPER, ("RK", 0.0), ("PK", 1.0)), line(LOWER, ("755AJ", 0.0), ("75SAJ", 0.4))
    )
    texts = [(h.line.text, h.doubt) for h in whole.looks[0]]
    assert texts[:3] == [("RK 755AJ", 0.0), ("RK 75SAJ", 0.4), ("PK 755AJ", 1.0)]
    assert whole.break_after == 2


def test_upper_texts_of_another_length_do_not_count() -> None:
    whole = joined(line(UPPER, ("RK", 0.0), ("RKI", 0.5)), line(LOWER, ("755AJ", 0.0)))
    assert [h.line.text for h in whole.looks[0]] == ["RK 755AJ"]


def test_the_ground_of_both_ends_above_the_upper_and_below_the_lower_line() -> None:
    upper = replace(line(UPPER, ("RK", 0.0)), ground=Ground(above=0.1, below=0, left=None, right=1))
    lower = replace(
        line(LOWER, ("755", 0.0)), ground=Ground(above=0, below=None, left=0.2, right=0.3)
    )
    found = joined(upper, lower).ground
    assert found == Ground(above=0.1, below=None, left=0.2, right=0.3)


@pytest.mark.parametrize(("broken", "fits"), [(("KM", "I234"), False), (("KMI", "234"), True)])
def test_a_plate_is_broken_at_a_gap_of_its_format(broken: tuple[str, str], *, fits: bool) -> None:
    expected = Expected(formats=formats_of(["fi"]), is_guess=False)
    whole = joined(line(UPPER, (broken[0], 0.0)), line(LOWER, (broken[1], 0.0)))
    assert (expected.weigh(whole) is not None) is fits


@pytest.mark.parametrize("regions", [("eu",), ()])
def test_a_square_plate_is_read(
    plate_reader: Callable[..., EmbeddedPlateReader], regions: tuple[str, ...]
) -> None:
    picture = pasted(square_plate("RK", "755AJ"), width=120)
    assert [p.text for p in plate_reader(*regions).read(picture).plates] == ["RK755AJ"]


@pytest.mark.parametrize(
    ("regions", "upper", "lower"),
    [
        (("eu",), "EXIT", "ONLY"),
        ((), "EXIT", "ONLY"),
        ((), "BUS", "123"),
        ((), "KL", "1009"),
    ],
)
def test_two_words_of_a_sign_are_no_plate(
    plate_reader: Callable[..., EmbeddedPlateReader],
    regions: tuple[str, ...],
    upper: str,
    lower: str,
) -> None:
    picture = pasted(square_plate(upper, lower), width=120)
    assert plate_reader(*regions).read(picture, within=WHOLE).plates == ()


def test_a_light_text_on_a_coloured_board_is_no_plate_while_guessing(
    plate_reader: Callable[..., EmbeddedPlateReader],
) -> None:
    board = 255 - square_plate("WIN", "2000")[12:-12, 12:-12]
    board[..., 0] = np.maximum(board[..., 0], 150)  # blue
    broad = np.pad(board, ((120, 120), (120, 120), (0, 0)), mode="edge")
    assert plate_reader().read(pasted(broad, width=170), within=WHOLE).plates == ()


def test_lines_that_stand_on_a_wall_are_no_plate_while_guessing(
    plate_reader: Callable[..., EmbeddedPlateReader],
) -> None:
    inside = square_plate("RK", "755AJ")[12:-12, 12:-12]
    picture = np.full((480, 640, 3), inside[0, 0], np.uint8)
    picture[200:284, 260:380] = cv2.resize(inside, (120, 84), interpolation=cv2.INTER_AREA)
    assert plate_reader().read(picture, within=WHOLE).plates == ()

"""A line becomes a plate when a format fits, nothing speaks against it and it is sure enough."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vision.geometry import Box
from vision.plates.confidence import Calibration, PlateWeights, TextWeights
from vision.plates.ctc import TextLine
from vision.plates.formats import formats_of, narrow_formats_of, personal_formats_of
from vision.plates.hypotheses import Hypothesis
from vision.plates.judging import LEAST_CONFIDENCE, Expected, Line, is_clear, judge
from vision.plates.surroundings import Ground
from vision.plates.text_regions import TextRegion
from vision.reading import CharacterReading, PlateReading, RefusedReading

VISIBLE = Box(x1=0, y1=0, x2=95, y2=32)
CALIBRATION = Calibration(
    text=TextWeights(constant=0.0, share=0.5, least=0.5, strain=-0.5),
    plate=PlateWeights(constant=-1.0, across=3.0, along=3.0, dark=-2.0, strain=0.0),
)
ENCLOSED = Ground(above=0.1, below=0.1, left=0.2, right=None)
OPEN = Ground(above=None, below=0.1, left=None, right=0.2)


def hypothesis(text: str, doubt: float = 0.0, confidence: float = 0.98) -> Hypothesis:
    characters = tuple(CharacterReading(text=c, confidence=confidence) for c in text)
    line = TextLine(characters=characters, positions=tuple(0.1 for _ in text))
    return Hypothesis(line=line, doubt=doubt)


def line(*looks: tuple[Hypothesis, ...], ground: Ground | None = None, height: float = 35) -> Line:
    """100 pixels wide."""
    low = height - 2
    region = TextRegion(quad=((-3, -2), (97, -2), (97, low), (-3, low)), score=0.9)
    return Line(region=region, looks=looks, ground=ground)


def judged(one: Line, *regions: str, floor: float = LEAST_CONFIDENCE) -> str:
    """The plate, or the reason of refusal in lower case."""
    expected = Expected(
        formats=formats_of(regions),
        narrow=narrow_formats_of(regions),
        personal=personal_formats_of(regions),
        is_guess=not regions,
        least_confidence=floor,
    )
    result = judge(one, expected, CALIBRATION, visible=VISIBLE)
    return result.text if isinstance(result, PlateReading) else result.reason


def test_a_text_that_fits_is_a_plate_within_what_was_searched() -> None:
    expected = Expected(formats=formats_of(["eu"]), is_guess=False)
    found = judge(line((hypothesis("RK-755AJ"),)), expected, CALIBRATION, visible=VISIBLE)
    assert isinstance(found, PlateReading)
    assert found.text == "RK755AJ"
    assert found.box == VISIBLE
    assert (found.region, found.region_certainty) == ("eu", 1.0)
    assert min(c.confidence for c in found.characters) == pytest.approx(found.confidence)


def test_reasons_of_refusal() -> None:
    assert judged(line((hypothesis(""),)), "eu") == "empty"
    assert judged(line((hypothesis("CITROEN"),)), "eu") == "format"
    assert judged(line((hypothesis("RK-755AJ", confidence=0.01),)), "eu") == "unsure"


def test_the_text_of_a_wall_is_refused_for_its_surroundings() -> None:
    wall = Ground(above=None, below=None, left=None, right=None, is_dark=True)
    sure = (hypothesis("RK-755AJ"),)
    assert judged(line(sure, ground=ENCLOSED), "eu") == "RK755AJ"
    assert judged(line(sure, ground=wall), "eu") == "surroundings"
    assert judged(line((hypothesis("RK-755AJ", confidence=0.01),), ground=wall), "eu") == "unsure"


def test_the_second_likeliest_text_is_taken_where_only_it_fits() -> None:
    looks = (hypothesis("R8Z 0503"), hypothesis("R82 0503", doubt=0.6))
    assert judged(line(looks), "us", floor=0.1) == "R820503"


def test_looks_that_hesitate_between_two_texts_settle_it_together() -> None:
    first = (hypothesis("CCY 020"), hypothesis("CCV 020", doubt=0.2))
    second = (hypothesis("CCV 020"), hypothesis("CCY 020", doubt=2.0))
    assert judged(line(first), "us", floor=0.0) == "CCY020"
    assert judged(line(first, second), "us", floor=0.0) == "CCV020"


def test_two_texts_as_likely_leave_both_unsure() -> None:
    looks = (hypothesis("CCY 020"), hypothesis("CCV 020", doubt=0.0))
    expected = Expected(formats=formats_of(["us"]), is_guess=False)
    weighed = expected.weigh(line(looks))
    assert weighed is not None
    first, second = weighed.candidates[:2]
    assert first.share == pytest.approx(second.share)
    assert not is_clear(weighed)


def test_words_of_signs_are_no_plates_while_guessing() -> None:
    assert judged(line((hypothesis("BUS 123"),))) == "everyday"
    assert judged(line((hypothesis("NET 500G"),))) == "everyday"
    assert judged(line((hypothesis("BXS 123"),))) == "BXS123"
    assert judged(line((hypothesis("BUS 123"),)), "us") == "BUS123"


def test_personal_plates_need_the_ground_of_a_plate() -> None:
    assert judged(line((hypothesis("59 CADI"),), ground=ENCLOSED), "us") == "59CADI"
    assert judged(line((hypothesis("59 CADI"),), ground=OPEN), "us") == "format"
    assert judged(line((hypothesis("59 CADI"),)), "us") == "format"
    assert judged(line((hypothesis("TEXAS"),), ground=ENCLOSED), "us") == "format"
    assert judged(line((hypothesis("59 CADI"),), ground=ENCLOSED)) == "format"


def test_a_text_in_narrow_letters_is_of_no_country_whose_plates_have_wide_ones() -> None:
    looks = (hypothesis("LGLS 168"), hypothesis("4GLS 168", doubt=0.8))
    assert judged(line(looks, ground=ENCLOSED), floor=0.1) == "LGLS168"
    assert judged(line(looks, ground=ENCLOSED, height=45), floor=0.1) == "4GLS168"


def test_every_detection_of_a_line_tells_how_narrow_its_letters_are() -> None:
    looks = (hypothesis("LGLS 168"), hypothesis("4GLS 168", doubt=0.8))
    low, high = (line(looks, ground=ENCLOSED, height=height) for height in (38, 50))
    assert judged(low, floor=0.1) == "LGLS168"
    assert judged(replace(low, others=(high.region,)), floor=0.1) == "4GLS168"


def test_what_everyday_text_fits_is_guessed_in_narrow_letters_on_a_plates_ground() -> None:
    text = (hypothesis("463 9520"),)
    assert judged(line(text, ground=ENCLOSED, height=45)) == "4639520"
    assert judged(line(text, ground=OPEN, height=45)) == "format"
    assert judged(line(text, ground=ENCLOSED, height=30)) == "format"
    assert judged(line(text, ground=OPEN, height=30), "us") == "4639520"


def test_a_format_that_fits_goes_before_a_personal_one() -> None:
    assert judged(line((hypothesis("SHOLR7X"),), ground=ENCLOSED), "us", floor=0) == "SH0R7X"


def test_the_region_is_shared_out_among_those_that_fit() -> None:
    expected = Expected(formats=formats_of([]), is_guess=True)
    tie = judge(line((hypothesis("ABC 1234"),)), expected, CALIBRATION, visible=VISIBLE)
    assert isinstance(tie, PlateReading)
    assert tie.region is None
    assert tie.region_certainty is not None
    assert tie.region_certainty <= 0.5
    sure = judge(line((hypothesis("RK-755AJ"),)), expected, CALIBRATION, visible=VISIBLE)
    assert isinstance(sure, PlateReading)
    assert (sure.region, sure.region_certainty) == ("eu", 1.0)


def test_a_refused_line_keeps_what_was_read() -> None:
    expected = Expected(formats=formats_of(["eu"]), is_guess=False)
    refused = judge(line((hypothesis("OCTAVIA"),)), expected, CALIBRATION, visible=VISIBLE)
    assert isinstance(refused, RefusedReading)
    assert (refused.raw_text, refused.confidence) == ("OCTAVIA", 0.98)

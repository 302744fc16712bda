"""The table of formats says what it means."""

from __future__ import annotations

import re

import pytest

from tests.vision.plates.cheapest import cheapest_fit
from vision.plates.formats import (
    PLACES,
    UnknownRegion,
    everyday_words,
    expanded,
    formats_of,
    personal_formats_of,
)
from vision.reading import CharacterReading

_PLACE_IN_A_PAGE = re.compile(
    r"(Introduction|Sections?|Paragraph|Lettering schemes in|DVLA leaflet INF104.*: 03) .*https://"
)
"""A source says where in a page its formats stand, so that they can be checked."""


def test_patterns_are_written_out() -> None:
    assert expanded("L{1,2}*DD") == ("L*DD", "LL*DD")
    assert expanded("LLL*DDDD") == ("LLL*DDDD",)


@pytest.mark.parametrize("pattern", ["", "LXD", "L{1}", "L{1,2", "l*d"])
def test_pattern_that_means_nothing_is_a_mistake(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        expanded(pattern)


def test_a_region_and_a_country_choose_their_formats() -> None:
    assert {entry.region for entry in formats_of(["eu", "br"])} == {"eu", "br"}
    assert {entry.country for entry in formats_of(["SK "])} == {"sk"}


def test_guessing_leaves_out_what_everyday_text_fits() -> None:
    assert not any(entry.is_asked_only for entry in formats_of([]))
    assert any(entry.is_asked_only for entry in formats_of(["us"]))


def test_unknown_region_lists_the_known_ones() -> None:
    with pytest.raises(UnknownRegion, match=r"'atlantis'.*br.*eu.*us"):
        formats_of(["eu", "atlantis"])


@pytest.mark.parametrize("region", ["eu", "us", "br", "th"])
def test_every_format_is_usable(region: str) -> None:
    entries = formats_of([region])
    assert entries
    for entry in entries:
        assert (2 if region == "th" else 4) <= entry.length <= 9, entry.name
        assert entry.aspect[0] < entry.aspect[1], entry.name
        assert entry.slots[0] not in PLACES, entry.name
        assert entry.slots[-1] not in PLACES, entry.name
        assert all(len(prefix) <= entry.length for prefix in entry.prefixes), entry.name


def test_every_format_has_a_source_and_its_examples_fit_it_as_they_are() -> None:
    for region in ("eu", "us", "br", "th"):
        entries = (*formats_of([region]), *personal_formats_of([region]))
        for entry in entries:
            assert _PLACE_IN_A_PAGE.match(entry.source), (entry.name, entry.source)
            assert entry.examples, entry.name
            alike = [e for e in entries if e.examples == entry.examples]
            for example in entry.examples:
                characters = [CharacterReading(text=c, confidence=1.0) for c in example]
                found = cheapest_fit(characters, alike)
                assert found is not None, (entry.name, example)
                assert found.text == "".join(c for c in example if c.isalnum())


@pytest.mark.parametrize(
    ("country", "text"),
    [("bg", "SD 1234 AB"), ("gr", "UPS 4711"), ("gr", "AXB 0123"), ("ua", "SD 1234 AB")],
)
def test_letters_that_a_country_does_not_issue_are_no_plate_of_it(country: str, text: str) -> None:
    characters = [CharacterReading(text=c, confidence=1.0) for c in text]
    assert cheapest_fit(characters, formats_of([country])) is None


def test_everyday_words_are_words() -> None:
    assert all(word.isalpha() and word.isupper() for word in everyday_words())
    assert {"BUS", "MAY", "EUR"} <= everyday_words()


def test_personal_plates_are_for_regions_that_were_asked_for() -> None:
    assert personal_formats_of([]) == ()
    assert all(entry.is_personal for entry in personal_formats_of(["us"]))
    assert not any(entry.is_personal for entry in formats_of(["us"]))

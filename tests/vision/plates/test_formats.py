"""The table of formats says what it means."""

from __future__ import annotations

import pytest

from vision.plates.formats import PLACES, UnknownRegion, expanded, formats_of


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


@pytest.mark.parametrize("region", ["eu", "us", "br"])
def test_every_format_is_usable(region: str) -> None:
    entries = formats_of([region])
    assert entries
    for entry in entries:
        assert 4 <= entry.length <= 9, entry.name
        assert entry.aspect[0] < entry.aspect[1], entry.name
        assert entry.slots[0] not in PLACES, entry.name
        assert entry.slots[-1] not in PLACES, entry.name
        assert all(len(prefix) <= entry.length for prefix in entry.prefixes), entry.name

"""Codes of the evidence in words: every one that the reader can write has some."""

from __future__ import annotations

import re
from pathlib import Path

from agent.pipeline.rules import Refusal
from server.web.pages.plate_words import (
    COUNTRIES,
    REASONS,
    REGIONS,
    format_name,
    region_name,
    threshold,
)
from vision.detectors.guided_reader import OUTSIDE_VEHICLE
from vision.plates.formats import formats_of

VISION = Path(__file__).parents[4] / "vision" / "plates"


def test_every_reason_region_and_country_has_words() -> None:
    gates = re.findall(r'return "([a-z]+)"', (VISION / "gates.py").read_text())
    judging = re.findall(
        r'"([a-z]+)" if|else "([a-z]+)"|refused\(line, "([a-z]+)"',
        (VISION / "judging.py").read_text(),
    )
    judged = {each for found in judging for each in found if each}
    assert {"small", "cut"} <= set(gates)
    assert {"format", "unsure", "surroundings"} <= judged
    assert {*gates, *judged, *map(str, Refusal), OUTSIDE_VEHICLE} <= set(REASONS)
    formats = formats_of(("eu", "us", "br", "th"))
    assert {each.region for each in formats} == set(REGIONS)
    assert {each.country for each in formats} <= set(COUNTRIES)


def test_codes_are_told_and_what_is_unknown_as_it_came() -> None:
    assert region_name("eu") == "Europe (eu)"
    assert region_name("mars") == "mars"
    assert format_name("sk:LL*DDDLL") == "Slovakia, as in AA 000AA"
    assert format_name("<b>") == "<b>"


def test_what_was_in_force_is_told_in_words_with_units() -> None:
    assert threshold("min_confidence", 0.5) == "the least certain character at 50%"
    assert threshold("min_readings", 2.0) == "2 readings of the same text"
    assert threshold("single_confidence", 0.9) == "or one at 90%"
    assert threshold("cooldown_s", 30.0) == "the same plate again after 30 s"
    assert threshold("least_size", 3.5) == "least size 3.5"

"""Addresses of pages: what they ask for, and that a link shows the same to whoever gets it."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import QuestionInvalid
from server.storage.reading.sightings import Matching, Order, SightingFilter
from server.web.pages.asking import asked_of

BANGKOK = ZoneInfo("Asia/Bangkok")


def test_an_address_without_anything_asks_for_the_newest() -> None:
    asked = asked_of({}, BANGKOK)
    assert asked.chosen == SightingFilter()
    assert asked.order is Order.NEWEST
    assert not asked.is_filtered


def test_times_are_those_of_the_centre_and_a_day_counts_to_its_end() -> None:
    asked = asked_of({"from": "2026-08-06T10:30", "to": "2026-08-06"}, BANGKOK)
    assert asked.chosen.since == datetime(2026, 8, 6, 3, 30, tzinfo=UTC)
    assert asked.chosen.until == datetime(2026, 8, 6, 17, tzinfo=UTC)


def test_a_search_by_plate_begins_with_the_likeliest() -> None:
    asked = asked_of({"plate": " 1กก* ", "match": "exact"}, BANGKOK)
    assert asked.chosen == SightingFilter(plate="1กก*", matching=Matching.EXACT)
    assert asked.order is Order.LIKELIEST
    assert asked_of({"plate": "A", "order": "newest"}, BANGKOK).order is Order.NEWEST


def test_a_camera_whose_name_holds_commas_is_one_camera() -> None:
    asked = asked_of({"camera": "gate,north", "region": "eu, th"}, BANGKOK)
    assert asked.chosen.device_ids == ("gate,north",)
    assert asked.chosen.regions == ("eu", "th")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(
            ("from", "yesterday"),
            ("to", "2026-13-01"),
            ("to", "9999-12-31"),
            ("match", "nearly"),
            ("order", "worst"),
        ),
        *(("least", "101"), ("most", "many"), ("least", "nan"), ("picture", "maybe")),
        ("plate", "A" * 201),
    ],
)
def test_what_cannot_be_understood_is_named(key: str, value: str) -> None:
    with pytest.raises(QuestionInvalid, match=f"^{key}"):
        asked_of({key: value}, BANGKOK)


@given(st.text(min_size=1, max_size=64), st.text(min_size=1, max_size=64))
def test_a_shared_link_asks_for_the_same(plate: str, camera: str) -> None:
    asked = asked_of({"plate": plate, "camera": camera, "least": "50"}, BANGKOK)
    link = urlsplit(asked.address(after="cursor"))
    again = asked_of(dict(parse_qsl(link.query, keep_blank_values=True)), BANGKOK)
    assert again.chosen == asked.chosen
    assert link.path == "/sightings"

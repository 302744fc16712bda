"""Evidence that a camera sent: whatever it says, the sighting is found, shown and taken away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from pydantic import TypeAdapter

from server.storage.evidence import number_of
from server.storage.reading.sightings import Order, SightingDetail, SightingFilter
from server.storage.times import moment_of
from server.web.api.export import json_of
from tests.server.cameras import row_id
from tests.server.rows import hello_of
from tests.server.storage.history import NOON, Centre, centre_in
from wire.acceptance import accept_v1
from wire.limits import Limits
from wire.rows import LprDetection, LprRow

HUGE = "9" * 400
"""An integer that JSON takes and no double holds."""


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Centre]:
    async with centre_in(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    "said",
    [
        f'{{"characters": [{{"text": "A", "confidence": {HUGE}}}]}}',
        f'{{"characters": [{{"text": "A", "confidence": 0.5, "alternatives": [["4", {HUGE}]]}}]}}',
        f'{{"readings": [{{"text": "A", "confidence": {HUGE}, "box": [1, 2, 3, {HUGE}]}}]}}',
        f'{{"thresholds": {{"least": {HUGE}}}, "region_certainty": -{HUGE}}}',
        '{"first_seen": "9999-12-31T23:59:59+00:00", "last_seen": "0001-01-01T00:00:00+00:00"}',
    ],
)
async def test_whatever_a_camera_says_its_sighting_hides_no_other(
    centre: Centre, said: str
) -> None:
    row = LprRow(
        id=row_id(1),
        sequence=1,
        captured_at=NOON,
        data=LprDetection(license_plate="A0O", evidence=msgspec.Raw(said.encode())),
    )
    await centre.take(accept_v1(row, hello_of(), Limits()))
    chosen = SightingFilter(plate="AOO")
    page = await centre.sightings.page(chosen, order=Order.LIKELIEST)
    assert [card.plate for card in page.cards] == ["A0O"]
    detail = await centre.sightings.detail(page.cards[0].id)
    assert b"A0O" in TypeAdapter(SightingDetail).dump_json(detail)
    pieces = [each async for each in centre.sightings.every(chosen, with_evidence=True)]
    assert "A0O" in json_of(pieces[0])


def test_a_time_is_one_in_every_zone_or_none() -> None:
    assert moment_of("9999-12-31T23:59:59+00:00") is None
    assert moment_of("0001-01-01T00:00:00+00:00") is None
    last = moment_of("2199-12-31T23:59:59+00:00")
    assert last == datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert last.astimezone(ZoneInfo("Asia/Bangkok")).year == 2200


def test_a_number_is_one_of_which_a_span_can_be_made_or_none() -> None:
    assert number_of(10**12) == 1e12
    assert timedelta(seconds=number_of(-(10**12)) or 0) < timedelta()
    for beyond in (10**400, -(10**400), 1e300, float("inf"), float("nan"), True, "5"):
        assert number_of(beyond) is None

"""Times as cameras write them, and what becomes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.sessions import classic_session
from wire.accepted import AcceptedRow
from wire.checks import check_time, parse_time
from wire.errors import RowInvalid

BANGKOK = ZoneInfo("Asia/Bangkok")
SENT = datetime(2024, 8, 6, 3, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2024-08-06T10:30:00",
        "2024-08-06 10:30:00",
        " 2024-08-06T10:30:00\n",
        "2024-08-06T10:30:00+07:00",
        "2024-08-06T03:30:00Z",
        "2024-08-06T03:30:00+00:00",
        "2024-08-05T22:30:00-05:00",
        "2024-08-06T10:30:00.000",
        "2024-08-06T10:30",
    ],
)
def test_time_without_offset_is_that_of_the_checkpoint_and_all_become_utc(text: str) -> None:
    moment = parse_time("data.timestamp", text, BANGKOK)
    assert moment == SENT
    assert moment.tzinfo is UTC


def test_fractions_are_kept_to_the_microsecond() -> None:
    moment = parse_time("t", "2024-08-06T10:30:00.123456+07:00", UTC)
    assert moment == SENT.replace(microsecond=123456)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2024-13-01T00:00:00",
        "2024-02-30T00:00:00",
        "10:30:00",
        "1722915000",
        "2024-08-06T10:30:61",
        "2024-08-06T10:30:00+24:00",
        "06/08/2024 10:30",
        "๒๐๒๔-08-06T10:30:00",
        "\0",
    ],
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(RowInvalid, match=r"data.timestamp: expected an ISO 8601 time such as"):
        parse_time("data.timestamp", text, BANGKOK)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00+14:00",
        "1969-12-31T23:59:59Z",
        "1970-01-01T06:59:59",
        "2200-01-01T00:00:00Z",
        "2199-12-31T23:59:59-01:00",
        "9999-12-31T23:59:59",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_times_that_no_camera_can_mean_are_refused(text: str) -> None:
    with pytest.raises(RowInvalid, match="expected a time between 1970 and 2200"):
        parse_time("data.timestamp", text, BANGKOK)


@pytest.mark.parametrize("zone", ["Asia/Bangkok", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("text", ["0001-01-01T00:00:00", "9999-12-31T23:59:59.999999"])
def test_ends_of_the_calendar_do_not_overflow(zone: str, text: str) -> None:
    with pytest.raises(RowInvalid, match="between 1970 and 2200"):
        check_time("captured_at", datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


def test_first_and_last_moment_are_taken() -> None:
    first = check_time("t", datetime(1970, 1, 1, tzinfo=UTC))
    last = check_time("t", datetime(2199, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
    assert (first.year, last.year) == (1970, 2199)


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1)),  # noqa: DTZ001 - zone comes beside
    st.integers(-14 * 60, 14 * 60),
)
def test_iso_text_of_any_time_reads_as_that_time(naive: datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_time("t", moment.isoformat(), BANGKOK) == moment


def test_hour_that_a_clock_change_repeats_is_its_first() -> None:
    """A naive text cannot say which; the first is what `fold=0` means (PEP 495)."""
    berlin = ZoneInfo("Europe/Berlin")
    moment = parse_time("t", "2024-10-27T02:30:00", berlin)
    assert moment == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)


def test_raw_text_of_a_naive_time_is_kept_beside_utc() -> None:
    row = classic_session().receive(
        '{"table":"health_monitor","data":{"checkpoint_id":"1","component":"camera",'
        '"status":"PASS","timestamp":"2024-08-06 10:30:00"}}'
    )
    assert isinstance(row, AcceptedRow)
    assert (row.timestamp, row.captured_at) == ("2024-08-06 10:30:00", SENT)

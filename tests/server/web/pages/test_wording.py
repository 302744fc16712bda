"""Numbers and times as the pages word them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from server.web.pages import wording


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 KB"),
        (999_600, "1.0 MB"),
        (45_300_000_000, "45.3 GB"),
    ],
)
def test_a_size_is_worded_in_the_unit_that_reads_best(size_bytes: int, words: str) -> None:
    assert wording.size(size_bytes) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0, "0 s"), (59, "59 s"), (61, "1 min"), (4800, "1 h 20 min"), (3600, "1 h")),
        *((86_400, "1 day"), (200_000, "2 days"), (400_000_000, "4,629 days")),
    ],
)
def test_a_span_is_worded_by_its_largest_unit(seconds: int, words: str) -> None:
    assert wording.length(timedelta(seconds=seconds)) == words


def test_a_time_ahead_of_the_clock_is_no_negative_age() -> None:
    now = datetime(2026, 8, 6, tzinfo=UTC)
    assert wording.age(now + timedelta(seconds=5), now) == "0 s"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-0.02, "0.0 s"), (0.3, "+0.3 s"), (-0.4, "−0.4 s"), (75, "+1 min"), (None, "–")],
)
def test_an_offset_has_its_sign(seconds: float | None, words: str) -> None:
    assert wording.offset(seconds) == words


def test_times_are_shown_in_the_time_zone_of_the_centre() -> None:
    at = datetime(2026, 8, 6, 3, 30, tzinfo=UTC)
    assert wording.moment(at, ZoneInfo("Asia/Bangkok")) == "2026-08-06 10:30:00"


@pytest.mark.parametrize(
    "command",
    [
        "AGENT_MODELS_DIR=/srv/models /opt/it/.venv/bin/python3.11 -m agent models fetch a-1 b-2",
        "AGENT_MODELS_DIR='/srv/my models' '/opt/my own/bin/python' -m agent models fetch a-1",
        "python -m server faces re-embed",
    ],
)
def test_a_command_in_a_sentence_stands_apart(command: str) -> None:
    told = wording.commands_apart(f"there is none: {command}; then start the server again")
    assert told == (
        ("there is none: ", False),
        (command, True),
        ("; then start the server again", False),
    )
    assert wording.commands_apart("none on this machine") == (("none on this machine", False),)

"""What is short is told by its name, with what helps."""

from __future__ import annotations

import pytest

from server.web.health import DetailedHealth, ProcessorHealth, QueueHealth
from server.web.shortage import Level, resources_of
from tests.server.web.site import detailed, healthy

ROOMY = detailed(healthy())


def short(**changed: object) -> dict[str, tuple[str, Level]]:
    """By name what is short, of a server that differs so from one that has enough of all."""
    found = resources_of(ROOMY.model_copy(update=changed))
    return {each.name: (each.value, each.level) for each in found if each.level}


def test_a_server_with_enough_of_everything_is_short_of_nothing() -> None:
    assert short() == {}


@pytest.mark.parametrize(
    ("changed", "name", "value", "level"),
    [
        (
            {"cpu": ProcessorHealth(percent=90.0, cores=4, load_1m=9.0)},
            *("of the processor (4 cores)", "90%", Level.SHORT),
        ),
        (
            {"disk": ROOMY.disk.model_copy(update={"free_bytes": 10**9, "total_bytes": 10**11})},
            *("of the disk (1.0 GB free)", "99%", Level.USED_UP),
        ),
        (
            {"queue": QueueHealth(waiting_rows=1200, used_bytes=99, limit_bytes=100)},
            *("of the room for rows", "99%", Level.USED_UP),
        ),
        (
            {"database_state": ROOMY.database_state.model_copy(update={"answered_in_ms": 300.0})},
            *("until the database answers", "300 ms", Level.SHORT),
        ),
    ],
    ids=["processor", "disk", "room for rows", "database"],
)
def test_each_is_told_by_name(
    changed: dict[str, object], name: str, value: str, level: Level
) -> None:
    assert short(**changed) == {name: (value, level)}


def test_a_database_that_does_not_answer_says_why() -> None:
    gone = ROOMY.database_state.model_copy(
        update={"status": "failing", "answered_in_ms": None, "reason": "the disk is full"}
    )
    silent: DetailedHealth = ROOMY.model_copy(update={"database_state": gone})
    (told,) = [each for each in resources_of(silent) if each.level]
    assert (told.name, told.level, told.advice) == (
        "from the database",
        Level.USED_UP,
        "the disk is full",
    )

"""Database, what was given up, clock and link, by their facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.health.delivering import LinkFacts, check_link
from agent.health.keeping import (
    ClockFacts,
    DatabaseFacts,
    EvictionFacts,
    check_clock,
    check_database,
    check_evictions,
)
from agent.health.result import Status
from agent.outbox.quota import Reason

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
DATABASE = DatabaseFacts(sqlite_version="3.54.1", checked_at=NOW - timedelta(hours=5))
LINK = LinkFacts(is_open=True, state="open")


@pytest.mark.parametrize(
    ("facts", "expected", "said"),
    [
        (DATABASE, Status.PASS, "found sound 5 hours ago"),
        (replace(DATABASE, has_begun=False), Status.WARN, "none yet"),
        (replace(DATABASE, is_older=True), Status.WARN, "adopts it"),
        (replace(DATABASE, fault="db is corrupt: stop"), Status.FAIL, "corrupt"),
        (replace(DATABASE, sqlite_version="3.40.1"), Status.FAIL, "WAL-reset"),
        (replace(DATABASE, refused_rows=2), Status.WARN, "2 rows"),
        (replace(DATABASE, log_bytes=10**9), Status.WARN, "log grows"),
    ],
)
def test_database(facts: DatabaseFacts, expected: Status, said: str) -> None:
    result = check_database(facts, now=NOW)
    assert result.status is expected
    assert said in result.message


def test_what_was_given_up_lately_is_a_warning_and_long_ago_a_note() -> None:
    lately = EvictionFacts(
        rows=3, newest_at=NOW - timedelta(hours=3), newest="5 pictures (quota)", reason="quota"
    )
    result = check_evictions(lately, now=NOW)
    assert result.status is Status.WARN
    assert "5 pictures (quota); 3 rows in all never reached the server" in result.message
    long_ago = replace(lately, newest_at=NOW - timedelta(days=3))
    assert check_evictions(long_ago, now=NOW).status is Status.PASS
    assert check_evictions(EvictionFacts(), now=NOW).status is Status.PASS


@pytest.mark.parametrize(
    ("reason", "helps"),
    [
        (Reason.QUOTA, "raise AGENT_DISK_QUOTA_MB"),
        (Reason.FREE_SPACE, "lower AGENT_DISK_FLOOR_MB"),
        (Reason.DISK_FULL, "./cleanup_old_data.sh"),
        ("corrupt_database", "check card, disk"),
        ("of a later version", "log/app.log"),
    ],
)
def test_what_helps_against_giving_up_goes_by_its_reason(reason: str, helps: str) -> None:
    said = check_evictions(EvictionFacts(newest_at=NOW, newest="", reason=reason), now=NOW).message
    assert helps in said
    assert ("AGENT_DISK_QUOTA_MB" in said) is (reason == Reason.QUOTA)


@pytest.mark.parametrize(
    ("facts", "expected", "said"),
    [
        (ClockFacts(is_synchronised=True), Status.PASS, "set by"),
        (ClockFacts(is_synchronised=False), Status.WARN, "timedatectl"),
        (ClockFacts(is_synchronised=True, offset_s=-0.2), Status.PASS, "0.2 s ahead of"),
        (ClockFacts(is_synchronised=True, offset_s=20), Status.WARN, "20.0 s behind"),
        (ClockFacts(is_synchronised=True, offset_s=-4000), Status.FAIL, "wrong times"),
    ],
)
def test_clock(facts: ClockFacts, expected: Status, said: str) -> None:
    result = check_clock(facts)
    assert result.status is expected
    assert said in result.message


@pytest.mark.parametrize(
    ("facts", "expected", "said"),
    [
        (LINK, Status.PASS, "0 rows wait"),
        (
            replace(LINK, waiting_rows=9, oldest_at=NOW - timedelta(hours=30)),
            Status.WARN,
            "oldest for 30 hours",
        ),
        (
            replace(LINK, is_open=False, state="backing off", advice="refused", waiting_rows=7),
            Status.WARN,
            "backing off: refused; 7 rows wait",
        ),
        (replace(LINK, is_open=False, is_hopeless=True), Status.FAIL, "none is lost"),
        (replace(LINK, is_open=None, state="left to 'agent send'"), Status.WARN, "none runs"),
        (replace(LINK, is_open=None, sender_process="7"), Status.PASS, "process 7; 0 rows"),
        (
            replace(
                LINK,
                is_open=None,
                sender_process="7",
                waiting_rows=1,
                oldest_at=NOW - timedelta(hours=2),
            ),
            Status.WARN,
            "its log tells why",
        ),
    ],
)
def test_link(facts: LinkFacts, expected: Status, said: str) -> None:
    result = check_link(facts, now=NOW)
    assert result.status is expected
    assert said in result.message

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.uplink.link import (
    TRANSITIONS,
    ImpossibleTransition,
    LinkFailed,
    LinkFailure,
    LinkState,
    LinkStatus,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_table_names_every_state() -> None:
    assert set(TRANSITIONS) == set(LinkState)


@pytest.mark.parametrize("state", list(LinkState))
def test_every_state_can_be_stopped_or_left(state: LinkState) -> None:
    assert TRANSITIONS[state]
    assert LinkState.STOPPED in TRANSITIONS[state] or state is LinkState.STOPPED


def test_impossible_transition_is_refused() -> None:
    with pytest.raises(ImpossibleTransition, match="offline to open"):
        LinkStatus(since=NOW).moved(LinkState.OPEN, NOW)


def test_failure_stays_visible_until_the_link_is_open() -> None:
    status = LinkStatus(since=NOW).moved(LinkState.CONNECTING, NOW)
    status = status.failed(LinkFailed(LinkFailure.DNS, "no name"), now=NOW, retry_at=NOW)
    assert status.state is LinkState.BACKING_OFF
    assert "DNS" in status.advice
    status = status.moved(LinkState.CONNECTING, NOW).moved(LinkState.GREETING, NOW)
    assert status.failure is LinkFailure.DNS
    assert status.moved(LinkState.OPEN, NOW).failure is None


def test_a_link_that_was_stopped_says_so_and_not_what_failed_before() -> None:
    connecting = LinkStatus(since=NOW).moved(LinkState.CONNECTING, NOW)
    failed = connecting.failed(LinkFailed(LinkFailure.REFUSED, "refused"), now=NOW, retry_at=NOW)
    for status in (connecting, failed):
        stopped = status.moved(LinkState.STOPPED, NOW)
        assert stopped.advice == "an operator has stopped it: press Start at the page Sender"


@pytest.mark.parametrize("failure", list(LinkFailure))
def test_every_failure_has_one_sentence_of_advice(failure: LinkFailure) -> None:
    assert 20 < len(failure.advice) < 120
    assert ". " not in failure.advice

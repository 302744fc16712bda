"""What forms of watchlists take, and what pages say of lists and channels."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from server.channels.contract import Channel, ChannelDetails, ChannelKind
from server.errors import QuestionInvalid
from server.web.pages.channels import state_of
from server.web.pages.watchlists import number_of


@pytest.mark.parametrize("text", ["", "many", "nan", "inf", "-Infinity", "1e999"])
def test_what_is_no_number_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(QuestionInvalid, match="cooldown_s="):
        number_of("cooldown_s", text)


def test_a_number_is_one() -> None:
    assert number_of("least_percent", " 62.5 ") == 62.5


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({}, "works"),
        ({"last_error": "mail.example.org does not take mail for b@example.org"}, "in part"),
        ({"failures": 2, "last_error": "answered 500"}, "failing"),
        ({"last_success_at": None}, "untried"),
    ],
)
def test_a_channel_that_was_taken_for_some_only_is_not_said_to_fail(
    given: dict[str, Any], word: str
) -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    details = ChannelDetails(name="guard", kind=ChannelKind.EMAIL, target="a@example.org")
    held = {"failures": 0, "last_success_at": at, "last_failure_at": None, "last_error": None}
    rest = {"id": 1, "waiting": 0, "given_up": 0, "changed_by": "anna", "changed_at": at}
    assert state_of(Channel(details=details, **{**held, **rest, **given}))[0] == word

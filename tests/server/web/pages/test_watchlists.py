"""What forms of watchlists take, and what pages say of lists and channels."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from server.channels.contract import Channel, ChannelDetails, ChannelKind
from server.errors import QuestionInvalid
from server.storage.plate_pattern import PlatePattern
from server.watchlist.contract import LEAST_LIKELIHOOD, ListDetails
from server.watchlist.rules import Kind
from server.web.pages.channels import state_of
from server.web.pages.watchlist_forms import LABELS, number_of
from server.web.pages.watchlist_words import look_alikes, speaks_of_everybody
from server.web.pages.wording import in_labels


@pytest.mark.parametrize("text", ["", "many", "nan", "inf", "-Infinity", "1e999"])
def test_what_is_no_number_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(QuestionInvalid, match="cooldown_s="):
        number_of("cooldown_s", text)


def test_a_number_is_one() -> None:
    assert number_of("least_percent", " 62.5 ") == 62.5


@pytest.mark.parametrize(
    ("least_likelihood", "said"),
    [
        (LEAST_LIKELIHOOD, "one look-alike (0 O, 1 I, 8 B …), more where the reading was unsure"),
        (0.0001, "2 look-alikes (0 O, 1 I, 8 B …), more where the reading was unsure"),
        (0.5, "look-alikes (0 O, 1 I, 8 B …) where the reading was unsure"),
        (0.0, "look-alikes too (0 O, 1 I, 8 B …)"),
    ],
)
def test_the_label_promises_the_look_alikes_that_raise_an_alert(
    least_likelihood: float, said: str
) -> None:
    assert look_alikes(least_likelihood) == said
    sure = [(one, 1.0, ()) for one in "SC357AC"]
    one, two = (
        pattern.likelihood("SC357AC", sure)
        for pattern in map(PlatePattern.parse, ("5C357AC", "5C3S7AC"))
        if pattern is not None
    )
    assert (one >= least_likelihood) is (least_likelihood <= LEAST_LIKELIHOOD)
    assert (two >= least_likelihood) is (least_likelihood <= 0.0001)


@pytest.mark.parametrize(
    ("kind", "is_enabled", "entries", "is_so"),
    [
        (Kind.UNKNOWN, True, 0, True),
        (Kind.UNKNOWN, True, 1, False),
        (Kind.UNKNOWN, False, 0, False),
        (Kind.ALERT, True, 0, False),
    ],
)
def test_a_list_that_speaks_of_everybody_is_told(
    kind: Kind, is_enabled: bool, entries: int, is_so: bool
) -> None:
    details = ListDetails(name="staff", kind=kind, is_enabled=is_enabled)
    assert speaks_of_everybody(details, entries) is is_so


def test_a_message_calls_a_field_as_people_read_it() -> None:
    taken = in_labels("name='a': another list is called so", LABELS)
    assert taken == "Name 'a': another list is called so"
    assert in_labels("cooldown_s: no", LABELS) == "Seconds without a second alert: no"
    assert in_labels("there is no watchlist 7", LABELS) == "there is no watchlist 7"


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

"""What an address asks of a page is looked at before anything is done with it."""

from __future__ import annotations

import pytest
from fastapi import Request

from server.errors import QuestionInvalid
from server.web.pages.shell import Visit
from tests.server.accounts.conftest import ADMIN


def visit(query: str) -> Visit:
    return Visit(
        request=Request({"type": "http", "query_string": query.encode(), "headers": []}),
        caller=ADMIN,
    )


def test_a_number_is_one_that_a_row_can_have() -> None:
    assert visit("sighting=17").number("sighting") == 17
    assert visit("").number("sighting") is None


@pytest.mark.parametrize("text", ["many", "-1", "%D9%A3", "9" * 19, "9" * 5000])
def test_what_is_no_number_is_named_and_nothing_breaks(text: str) -> None:
    with pytest.raises(QuestionInvalid, match=r"sighting=.*: expected a number"):
        visit(f"sighting={text}").number("sighting")

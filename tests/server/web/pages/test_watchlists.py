"""What forms of watchlists take for a number."""

from __future__ import annotations

import pytest

from server.errors import QuestionInvalid
from server.web.pages.watchlists import number_of


@pytest.mark.parametrize("text", ["", "many", "nan", "inf", "-Infinity", "1e999"])
def test_what_is_no_number_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(QuestionInvalid, match="cooldown_s="):
        number_of("cooldown_s", text)


def test_a_number_is_one() -> None:
    assert number_of("least_percent", " 62.5 ") == 62.5

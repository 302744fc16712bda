"""Logging in leads to what was asked for, and never away."""

from __future__ import annotations

import pytest

from agent.web.coming_back import login_path, own_path


@pytest.mark.parametrize("path", ["/settings", "/detection?search=a%20b&page=2", "/detection/7"])
def test_a_page_that_was_asked_for_is_come_back_to(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "text",
    [
        *("", "settings", "//evil.example", "https://evil.example/", "/\\evil.example"),
        *("/\t/evil.example", "/a\r\nSet-Cookie: b", "/login?next=/login", "/logout", "/" * 2000),
    ],
)
def test_whatever_leads_elsewhere_leads_to_the_start(text: str) -> None:
    assert own_path(text) == "/"
    assert login_path(text) == "/login"


def test_the_query_is_kept_whole_on_its_way_through_the_login_page() -> None:
    assert (
        login_path("/detection?search=a&page=2") == "/login?next=/detection%3Fsearch%3Da%26page%3D2"
    )

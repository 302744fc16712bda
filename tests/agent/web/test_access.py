"""Who gets in: the rules on plain values."""

from __future__ import annotations

from typing import Any

import pytest

from agent.web.access import Door, Knock, Verdict, judge
from agent.web.sessions import LASTS_S, MOST_SESSIONS, Sessions

AT_HOME = Door(is_loopback=True, has_password=False)
AT_HOME_LOCKED = Door(is_loopback=True, has_password=True)
OUTSIDE = Door(is_loopback=False, has_password=True)
OUTSIDE_UNSET = Door(is_loopback=False, has_password=False)
HERE = {"host": "127.0.0.1:8000"}


def _knock(method: str = "GET", path: str = "/", **given: Any) -> Knock:
    return Knock(**{"method": method, "path": path, "headers": HERE, **given})


@pytest.mark.parametrize(
    ("door", "given", "expected"),
    [
        (AT_HOME, {}, Verdict.ALLOWED),
        (AT_HOME, {"headers": {"host": "evil.example:8000"}}, Verdict.WRONG_HOST),
        (AT_HOME, {"headers": {}}, Verdict.WRONG_HOST),
        (AT_HOME, {"headers": {**HERE, "x-forwarded-for": "192.0.2.7"}}, Verdict.NO_PASSWORD),
        (AT_HOME_LOCKED, {}, Verdict.LOGIN_NEEDED),
        (AT_HOME_LOCKED, {"headers": {"host": "camera.example"}}, Verdict.LOGIN_NEEDED),
        (AT_HOME_LOCKED, {"path": "/login"}, Verdict.ALLOWED),
        (AT_HOME_LOCKED, {"path": "/static/page.css"}, Verdict.ALLOWED),
        (OUTSIDE, {}, Verdict.LOGIN_NEEDED),
        (OUTSIDE, {"session_token": "t"}, Verdict.ALLOWED),
        (OUTSIDE, {"is_basic": True}, Verdict.ALLOWED),
        (OUTSIDE_UNSET, {}, Verdict.NO_PASSWORD),
        (OUTSIDE_UNSET, {"path": "/static/page.css"}, Verdict.ALLOWED),
    ],
)
def test_who_may_look(door: Door, given: dict[str, Any], expected: Verdict) -> None:
    assert judge(_knock(**given), door) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Verdict.ALLOWED),
        ({"origin": "http://127.0.0.1:8000"}, Verdict.ALLOWED),
        ({"sec-fetch-site": "same-origin"}, Verdict.ALLOWED),
        ({"origin": "http://evil.example"}, Verdict.CROSS_SITE),
        ({"origin": "null"}, Verdict.CROSS_SITE),
        ({"origin": "http://["}, Verdict.CROSS_SITE),
        ({"origin": "http://127.0.0.1:9000"}, Verdict.CROSS_SITE),
        ({"sec-fetch-site": "cross-site"}, Verdict.CROSS_SITE),
        ({"sec-fetch-site": "same-site"}, Verdict.CROSS_SITE),
        ({"content-length": "70000"}, Verdict.BODY_TOO_LARGE),
        ({"content-length": "x"}, Verdict.BODY_TOO_LARGE),
        ({"transfer-encoding": "chunked"}, Verdict.BODY_TOO_LARGE),
    ],
)
def test_no_other_page_changes_anything(headers: dict[str, str], expected: Verdict) -> None:
    knock = _knock(method="POST", path="/api/stop_camera", headers={**HERE, **headers})
    assert judge(knock, AT_HOME) is expected


@pytest.mark.parametrize("sent", [None, "", "other"])
def test_a_change_in_a_session_needs_its_token(sent: str | None) -> None:
    knock = _knock(method="POST", session_token="right", sent_token=sent)
    assert judge(knock, OUTSIDE) is Verdict.TOKEN_MISSING
    right = _knock(method="POST", session_token="right", sent_token="right")
    assert judge(right, OUTSIDE) is Verdict.ALLOWED


def test_a_session_ends_by_time_by_another_password_and_by_logging_out() -> None:
    sessions = Sessions()
    name = sessions.begin(password_hash="h", now_s=0.0)
    assert sessions.find(name, password_hash="h", now_s=LASTS_S - 1) is not None
    assert sessions.find(name, password_hash="h", now_s=LASTS_S) is None
    changed = sessions.begin(password_hash="h", now_s=0.0)
    assert sessions.find(changed, password_hash="other", now_s=1.0) is None
    left = sessions.begin(password_hash="h", now_s=0.0)
    sessions.end(left)
    assert sessions.find(left, password_hash="h", now_s=1.0) is None
    assert sessions.find("guessed", password_hash="h", now_s=1.0) is None


def test_sessions_are_bounded_the_oldest_ends() -> None:
    sessions = Sessions()
    names = [sessions.begin(password_hash="h", now_s=0.0) for _ in range(MOST_SESSIONS + 1)]
    assert sessions.find(names[0], password_hash="h", now_s=1.0) is None
    assert sessions.find(names[-1], password_hash="h", now_s=1.0) is not None

"""What is taken out of text that leaves the machine, and what stays."""

from __future__ import annotations

import time

import pytest

from telemetry.redaction import redacted, secrets_in

PASSWORD = "p@ss:w/rd?1"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("token=abc", "token=***"),
        ("'password': 'a b'", "'password': ***"),
        ("AGENT_TOKEN=x y", "AGENT_TOKEN=*** y"),
        ("rtsp://a:b@c/d?e=f g", "rtsp://***@c/d?*** g"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"),
        ("hash $argon2id$v=19$m=1,t=2$abc$def", "hash ***"),
        ("Set-Cookie: session=1; path=/", "Set-Cookie: ***"),
        ("ws://127.0.0.1:8765/ and 3 tokens", "ws://127.0.0.1:8765/ and 3 tokens"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, clean: str) -> None:
    assert redacted(text, ()) == clean


def test_secret_is_found_however_it_is_quoted() -> None:
    secrets = secrets_in({"SMTP_PASSWORD": PASSWORD, "URL": "rtsp://a:p%40ssword@b/"})
    assert redacted(f"{PASSWORD} p%40ss%3Aw%2Frd%3F1 p@ssword", secrets) == "*** *** ***"


def test_short_values_do_not_blot_out_the_text() -> None:
    assert secrets_in({"AGENT_TOKEN": "a", "SERVER_PORT": "8765", "DB_PATH": "db/x"}) == frozenset()


def test_plates_stay_where_they_are_wanted() -> None:
    line = "sighting stored  what=ABC123  confidence=1.0"
    assert redacted(line, (), with_plates=True) == line
    assert redacted(line, ()) == "sighting stored  what=***  confidence=1.0"


@pytest.mark.parametrize("piece", ["a", "token"])
def test_a_long_text_costs_no_more_than_its_length(piece: str) -> None:
    """A search that began anew at each character took as many seconds as this has thousands."""
    began_s = time.process_time()
    redacted((piece * 16_000)[:16_000], ())
    assert time.process_time() - began_s < 5

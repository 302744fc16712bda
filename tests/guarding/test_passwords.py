"""Passwords are kept as argon2id hashes."""

from __future__ import annotations

from guarding.passwords import LONGEST, hash_of, matches


def test_the_right_one_matches_and_no_other() -> None:
    kept = hash_of("ein langes Passwort")
    assert kept.startswith("$argon2id$")
    assert matches("ein langes Passwort", kept)
    assert not matches("ein anderes", kept)
    assert not matches("ein langes Passwort", "no hash")


def test_the_same_password_is_kept_differently_each_time() -> None:
    assert hash_of("x" * LONGEST) != hash_of("x" * LONGEST)


def test_what_lies_beyond_the_longest_never_matches() -> None:
    kept = hash_of("x" * LONGEST)
    assert matches("x" * LONGEST, kept)
    assert not matches("x" * (LONGEST + 50), kept)

"""What names and passwords may be. Pure; each function returns what it checked."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from guarding.passwords import LONGEST
from server.accounts.contract import SHORTEST_PASSWORD
from server.errors import AccountRefused

LEAST_DIFFERENT: Final = 5
"""Different characters of a password, so that `aaaaaaaaaa` and `1212121212` are none."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII)
_LONGEST_TEXT: Final = 100


def is_account_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def account_name(name: str) -> str:
    """Raises AccountRefused."""
    if not is_account_name(name):
        raise AccountRefused(
            f"{name[:80]!r} is no name for an account: expected 1 to 64 letters, digits, dots, "
            "dashes, underscores or @, beginning with a letter or digit, such as anna.k"
        )
    return name


def password(secret: str, *, name: str) -> str:
    """Raises AccountRefused, which does not repeat it."""
    if not SHORTEST_PASSWORD <= len(secret) <= LONGEST:
        raise AccountRefused(
            f"a password of {len(secret)} characters: expected {SHORTEST_PASSWORD} to {LONGEST}"
        )
    if len(set(secret)) < LEAST_DIFFERENT:
        raise AccountRefused(
            f"the password has fewer than {LEAST_DIFFERENT} different characters: take a longer "
            "sentence, or let a password keeper make one"
        )
    if any(unicodedata.category(each) == "Cs" for each in secret):
        raise AccountRefused("the password has halves of characters in it, which are no text")
    if secret.casefold() == name.casefold():
        raise AccountRefused("the password is the account's name: take another")
    return secret


def free_text(text: str, *, what: str) -> str:
    """One line of up to 100 characters, kept as it would be shown; raises AccountRefused."""
    kept = unicodedata.normalize("NFC", text).strip()
    if len(kept) > _LONGEST_TEXT or any(unicodedata.category(each)[0] == "C" for each in kept):
        raise AccountRefused(
            f"{what} of {len(kept)} characters: expected one line of up to {_LONGEST_TEXT}, "
            "without control characters"
        )
    return kept


def token_name(text: str) -> str:
    """Raises AccountRefused."""
    kept = free_text(text, what="a token's name")
    if not kept:
        raise AccountRefused("a token needs a name that says what it is for, such as grafana")
    return kept

"""Takes secrets, and plates, out of text that leaves the machine. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, unquote, urlsplit

HIDDEN: Final = "***"
SHORTEST_SECRET: Final = 6
"""A shorter value is not searched for by itself: it would blot out half of every text."""

_WORD: Final = r"(?:token|passw(?:or)?d|passphrase|secret|credential|api[_-]?key)"
_NAMES_A_SECRET: Final = re.compile(rf"[\w.:/-]*{_WORD}[\w.-]*", re.IGNORECASE)
_QUOTED_OR_WORD: Final = r"(?:\"[^\"]*\"|'[^']*'|[^\s,;}]+)"
# Each looks a bounded way ahead from where it begins: a peer may have chosen the text, and a search
# that begins anew at each of its characters and runs to its end would take minutes.
_PATTERNS: Final = (
    # a private key, whole or cut off
    (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", HIDDEN),
    (r"(://)[^\s'\"<>]{0,1000}@", rf"\1{HIDDEN}@"),
    (r"((?:rtsps?|https?|wss?)://[^\s'\"<>?]{0,1000})\?[^\s'\"<>]*", rf"\1?{HIDDEN}"),
    (r"\b(Bearer|Basic)\s+[\w.~+/=-]+", rf"\1 {HIDDEN}"),
    (r"\b((?:set-)?cookie\s*:)[^\n]*", rf"\1 {HIDDEN}"),
    (r"\$(?:argon2\w*|2[aby]|5|6|y)\$[^\s'\"]+", HIDDEN),
    (rf"({_WORD}[\w.-]{{0,100}}['\"]?\s{{0,100}}[=:]\s*){_QUOTED_OR_WORD}", rf"\1{HIDDEN}"),
)
_COMPILED: Final = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)
    for pattern, replacement in _PATTERNS
)
_PLATES: Final = re.compile(
    rf"(['\"]?\b(?:what|plate|license_plate(?:_text)?)['\"]?\s*[=:]\s*){_QUOTED_OR_WORD}"
)


def secrets_in(values: Mapping[str, str]) -> frozenset[str]:
    """The secrets among settings by key: what a key names so, and what addresses carry."""
    found: set[str] = set()
    for key, value in values.items():
        if _NAMES_A_SECRET.fullmatch(key):
            found.add(value)
        if "://" in value:
            found |= _carried(value)
    return frozenset(secret for secret in found if len(secret) >= SHORTEST_SECRET)


def redacted(text: str, secrets: Iterable[str], *, with_plates: bool = False) -> str:
    """`text` without these secrets however they are quoted, nor anything that looks like one."""
    forms = {form for secret in secrets for form in (secret, quote(secret, safe=""))}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    for pattern, replacement in _COMPILED:
        text = pattern.sub(replacement, text)
    return text if with_plates else _PLATES.sub(rf"\1{HIDDEN}", text)


def _carried(address: str) -> set[str]:
    """User's password and the whole query of an address: cameras take passwords there too."""
    try:
        parts = urlsplit(address)
        password = parts.password or ""
    except ValueError:
        return {address}
    query = {item.partition("=")[2] for item in parts.query.split("&")}
    return {form for text in (password, *query) for form in (text, unquote(text))}

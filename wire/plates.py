"""Plates in the forms in which they are compared, at the centre and in a camera. Pure."""

from __future__ import annotations

import unicodedata
from typing import Final

LOOK_ALIKES: Final = ("0OQD", "1IL", "8B", "5S", "2Z")
SEPARATORS: Final = " -.·"
CLASS_OF: Final = {character: alike for alike in LOOK_ALIKES for character in alike}

_UPPER: Final = {ord(lower): lower.upper() for lower in "abcdefghijklmnopqrstuvwxyz"}
_COMPACT: Final = {**_UPPER, **{ord(separator): None for separator in SEPARATORS}}
_FOLD: Final = {ord(character): alike[0] for character, alike in CLASS_OF.items()}


def compact(text: str) -> str:
    """NFC, ASCII letters as capitals, without separators."""
    return unicodedata.normalize("NFC", text).translate(_COMPACT)


def folded(compact_text: str) -> str:
    """The first of its class in place of each look-alike."""
    return compact_text.translate(_FOLD)


def plate_key(text: str) -> str:
    """What the server's database has in `plate_key` of a plate that is in NFC."""
    return folded(compact(text))

"""What may be written down of a person, and how long by their purpose. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from server.errors import QuestionInvalid
from server.faces.contract import PersonDetails

LONGEST: Final = 200
"""Characters of a text."""

MOST_AGE: Final = 150


def checked(
    details: PersonDetails, *, now: datetime, keep_days: Mapping[str, int]
) -> PersonDetails:
    """Texts in NFC without what no eye sees; `keep_until` by the purpose where none was given.

    Raises QuestionInvalid naming field, value and what was expected.
    """
    name = _text("name", details.name)
    if not name:
        raise QuestionInvalid("name: expected whose face this is, got nothing")
    if details.age is not None and not 0 <= details.age <= MOST_AGE:
        raise QuestionInvalid(f"age={details.age}: expected years, 0 to {MOST_AGE}")
    purpose = _text("purpose", details.purpose)
    keep_until = details.keep_until
    days = keep_days.get(purpose.lower())
    if keep_until is None and days is not None:
        keep_until = now + timedelta(days=days)
    if keep_until is not None and keep_until.tzinfo is None:
        raise QuestionInvalid("keep_until: expected a time with its offset from UTC")
    if keep_until is not None and keep_until <= now:
        raise QuestionInvalid(
            f"keep_until={keep_until.isoformat()}: expected a time to come, for whoever is kept no "
            "longer is forgotten at once"
        )
    return replace(
        details,
        name=name,
        gender=_text("gender", details.gender),
        place=_text("place", details.place),
        consent=_text("consent", details.consent),
        purpose=purpose,
        keep_until=keep_until,
    )


def _text(field: str, value: str) -> str:
    cleaned = unicodedata.normalize("NFC", " ".join(value.split()))
    if len(cleaned) > LONGEST or not cleaned.isprintable():
        raise QuestionInvalid(
            f"{field}={cleaned[:40]!r}: expected at most {LONGEST} printable characters"
        )
    return cleaned

"""Times that people and programs ask for: in addresses, forms and on the command line. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from server.errors import QuestionInvalid
from server.storage.times import YEARS


def moment(key: str, text: str | None, zone: tzinfo, *, ends: bool = False) -> datetime | None:
    """A time, or a day: its beginning, or with `ends` its end. Raises QuestionInvalid."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        if found.year not in YEARS:
            raise ValueError("no time of a row")
        if ends and len(text) <= len("2026-08-06"):
            found += timedelta(days=1)
        return found if found.tzinfo else found.replace(tzinfo=zone)
    except ValueError:
        raise QuestionInvalid(
            f"{key}={text[:40]!r}: expected a time such as 2026-08-06T10:30:00+07:00, or a day "
            "such as 2026-08-06"
        ) from None

"""What is written down of a person, as a form: name, consent, purpose, how long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from server.errors import QuestionInvalid
from server.faces.contract import PersonDetails
from server.web.api.moments import moment
from server.web.pages.face_wording import last_day
from server.web.pages.tags import field, tag

_LONGEST = 200


def person_fields(details: PersonDetails | None, zone: tzinfo) -> None:
    """Within a form."""
    held = details or PersonDetails(name="")
    text: dict[str, Any] = {"maxlength": _LONGEST, "autocomplete": "off"}
    field("Name", "name", value=held.name, required=True, **text)
    with tag("div", "three"):
        age = "" if held.age is None else held.age
        field("Age", "age", value=age, type="number", min=0, max=150)
        field("Gender", "gender", value=held.gender, **text)
        field("Place", "place", value=held.place, **text)
    field(
        "Recognised for (purpose)",
        "purpose",
        value=held.purpose,
        placeholder="such as staff",
        **text,
    )
    field(
        *("Consent: what they agreed to, and when", "consent"),
        value=held.consent,
        placeholder="such as signed on 2026-03-01",
        **text,
    )
    field(
        "Forget after (may be empty)",
        "keep_until",
        value=last_day(held.keep_until, zone),
        type="date",
    )


def details_of(given: Mapping[str, str], zone: tzinfo) -> PersonDetails:
    """What was typed. Raises QuestionInvalid."""
    age = given.get("age", "").strip()
    if age and not age.isdecimal():
        raise QuestionInvalid(f"age={age}: expected years, or nothing")
    until = given.get("keep_until", "").strip()
    return PersonDetails(
        name=given.get("name", ""),
        age=int(age) if age else None,
        gender=given.get("gender", ""),
        place=given.get("place", ""),
        consent=given.get("consent", ""),
        purpose=given.get("purpose", ""),
        keep_until=moment("keep_until", until, zone, ends=True) if until else None,
    )

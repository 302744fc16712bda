"""What is said of faces: how likely a match is, what is wrong with a picture, whose it is. Pure.

Nothing a network says is shown as certain: shares stop short of 0% and 100%.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, tzinfo
from typing import Final

from server.faces.contract import Analysis, FaceQualityCard, FoundFace, Outcome, Person

LEVELS: Final = {Outcome.KNOWN: "good", Outcome.AMBIGUOUS: "warn", Outcome.UNKNOWN: None}
_OUTCOMES: Final = {
    Outcome.KNOWN: "known",
    Outcome.AMBIGUOUS: "one of two",
    Outcome.UNKNOWN: "unknown",
}
_GOOD, _FAIR = 0.7, 0.4


def likelihood(score: float, probability: float | None) -> str:
    """Of two faces being one person's; of a model that nobody calibrated, how alike they are."""
    if probability is None:
        return f"likeness {score:.2f}"
    return f"{estimate(probability)} likely"


def estimate(share: float) -> str:
    """A share 0..1 in percent; more is never claimed than 99%, nor less than 1%."""
    if share > 0.99:
        return "over 99%"
    return "under 1%" if share < 0.01 else f"{100 * share:.0f}%"


def outcome(face: FoundFace) -> str:
    """In a word or two."""
    return "not compared" if face.outcome is None else _OUTCOMES[face.outcome]


def quality(card: FaceQualityCard) -> str:
    """In a word."""
    if card.reasons:
        return "not good enough"
    if card.total >= _GOOD:
        return "good"
    return "fair" if card.total >= _FAIR else "just enough"


def quality_level(card: FaceQualityCard) -> str:
    if card.reasons:
        return "bad"
    return "good" if card.total >= _FAIR else "warn"


def analysis(found: Analysis) -> str:
    """The likeliest of its scores, with the model that says so."""
    name, share = max(found.scores.items(), key=lambda each: each[1])
    return (
        f"{found.task}: perhaps {name}, {estimate(share)} by {found.model} {found.model_version}; "
        "an estimate"
    )


def person_name(person: Person) -> str:
    """Name and number: two people may have one name."""
    return f"{person.details.name} ({person.class_id})"


def facts_line(person: Person) -> str:
    """What tells people of one name apart."""
    details = person.details
    age = "" if details.age is None else f"{details.age} years"
    return ", ".join(each for each in (age, details.gender, details.place) if each)


def last_day(keep_until: datetime | None, zone: tzinfo) -> str:
    """On which somebody is still known, 2026-03-01; empty: no end is set."""
    if keep_until is None:
        return ""
    return f"{(keep_until - timedelta(seconds=1)).astimezone(zone):%Y-%m-%d}"


def shown(jpeg: bytes) -> str:
    """A small picture as the address of an image."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()

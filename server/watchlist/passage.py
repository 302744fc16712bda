"""Of one passage each list raises one alert, whatever number of its entries speak of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from server.watchlist.rules import Match

MOST_OTHERS: Final = 3
"""So many are named in the reason, those that have one of their own first; the rest are counted."""


def one_of_each_list(matches: Iterable[Match]) -> list[Match]:
    """The likeliest, of those the one that names most of the plate, with the others in its reason
    and the shortest cooldown of all: whoever wants to hear of an entry again soon does. Persons
    stay apart: an alert goes with the person who is forgotten, and names nobody else."""
    found: dict[tuple[int, str], list[Match]] = {}
    for match in matches:
        found.setdefault((match.list_id, match.key), []).append(match)
    return [_one(alike) for alike in found.values()]


def _one(alike: Sequence[Match]) -> Match:
    first, *others = sorted(alike, key=lambda each: (-each.likelihood, -each.named, each.entry_id))
    if not others:
        return first
    others.sort(key=lambda each: not each.reason)
    said = [_said(each) for each in others[:MOST_OTHERS]]
    if len(others) > MOST_OTHERS:
        said.append(f"{len(others) - MOST_OTHERS} more")
    also = f"also listed: {', '.join(said)}"
    return replace(
        first,
        reason=f"{first.reason}; {also}" if first.reason else also,
        cooldown_s=min(each.cooldown_s for each in alike),
    )


def _said(match: Match) -> str:
    share = "" if match.likelihood >= 1 else f" ({100 * match.likelihood:.0f}%)"
    return f"{match.listed}{share}{f': {match.reason}' if match.reason else ''}"

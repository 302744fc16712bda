"""What pages say of a list: what it does, whom it speaks of, and what may surprise. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from server.storage.plate_pattern import LEAST_SHARE, LONGEST
from server.watchlist.contract import ListDetails, Watchlist
from server.watchlist.rules import Kind, Subject
from server.web.pages import wording
from wire.limits import WATCHED_PLATES

EMPTY_SPEAKS: Final = "While nobody is in this list, whoever passes at all raises an alert."
_DOES: Final = {
    Kind.ALERT: "raises an alert when {one} passes that is in it",
    Kind.UNKNOWN: "raises an alert when {one} passes that is not in it",
    Kind.MUTE: "raises no alert, and what is in it raises none in any other list either",
}
_ONES: Final = {Subject.PLATES: "a plate", Subject.PERSONS: "a person"}
_SUCH: Final = "(0 O, 1 I, 8 B …)"


def does(details: ListDetails) -> str:
    """What comes of a list, in a sentence without its beginning."""
    return _DOES[details.kind].format(one=_ONES[details.subject])


def speaks_of_everybody(details: ListDetails, entries: int) -> bool:
    """It raises an alert for whoever passes, as it knows nobody."""
    return details.kind is Kind.UNKNOWN and details.is_enabled and not entries


def size_of(held: Watchlist) -> str:
    """How much it holds: 1 plate, 2 persons."""
    return wording.plural(held.entries, held.details.subject.value.removesuffix("s"))


def place_and_time(device_ids: Sequence[str], schedule: str) -> str:
    """Where and when."""
    return f"{', '.join(device_ids) or 'all cameras'}; {schedule or 'always'}"


def look_alikes(least_likelihood: float) -> str:
    """What of a plate may be read otherwise and still raise an alert in such a list. A character of
    which the reading was sure costs `LEAST_SHARE` of the likelihood."""
    sure, likelihood = 0, LEAST_SHARE
    while likelihood >= least_likelihood and sure < LONGEST:
        sure, likelihood = sure + 1, likelihood * LEAST_SHARE
    if sure == LONGEST:
        return f"look-alikes too {_SUCH}"
    if not sure:
        return f"look-alikes {_SUCH} where the reading was unsure"
    count = "one look-alike" if sure == 1 else f"{sure} look-alikes"
    return f"{count} {_SUCH}, more where the reading was unsure"


def held_by_cameras(lists: Sequence[Watchlist]) -> tuple[str, str]:
    """Of a list that cameras hold too: a level, and what is said."""
    going = [each for each in lists if each.details.goes_to_cameras and each.details.is_enabled]
    plates = sum(each.entries for each in going)
    said = "Cameras hold these plates too, and mark their own sightings of them."
    if plates <= WATCHED_PLATES:
        return "good", said
    most = wording.number(WATCHED_PLATES)
    return "warn", (
        f"{said} All lists that go to cameras have {wording.number(plates)} entries together: a "
        f"camera that more than {most} of them speak of holds none and marks nothing. Alerts are "
        "raised here all the same."
    )

"""Who failed to sign in how often, and how long they wait for it. Pure, but for what it
remembers: the database keeps it, for all processes, and each attempt begins with what is there.

Failures count by address, whatever the name; by name and network, so that guessing at an account
locks nobody out but there; and by name alone, as a brake: it makes guessing from everywhere slow.
While somebody guesses it makes the account's owner wait too, half a minute after each guess, but
nowhere where they signed in before. A browser in which they did counts for itself, whatever happens
around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from guarding.lockout import FIRST_WAIT_S, Lockout
from server.peer import address_of, network_of, place_of

FREE_FAILURES_OF_A_NAME: Final = 10
"""From everywhere together, but where its owner signed in before."""
MOST_FAMILIAR: Final = 1024
"""Networks and browsers from which somebody signed in; beyond these the oldest is forgotten."""


class Counted(StrEnum):
    """What failures are counted by."""

    PLACE = "place"
    NETWORK = "name and network"
    NAME = "name"
    BROWSER = "browser"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """So many in a row of `who`, an address, a name and network, a name, or a browser; `age_s` is
    how long ago the last of them was."""

    counted: Counted
    who: str
    count: int
    age_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Familiar:
    """A network, or a browser, from which the account of that name was signed in to."""

    name: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """To sign in as `name`, from `address`. `browser` is the SHA-256 of what it was given when
    somebody signed in there; `is_inside` where it has a session of the account at this moment."""

    name: str
    address: str
    browser: bytes | None = None
    is_inside: bool = False

    @property
    def key(self) -> str:
        """Of an account, whatever the letters' case; of nonsense, its beginning."""
        return self.name.casefold()[:64]

    @property
    def network(self) -> Familiar:
        return Familiar(name=self.key, where=network_of(address_of(self.address)))

    @property
    def may_count_by(self) -> Sequence[tuple[Counted, str]]:
        """By its place, its network, its name; and the browser where it brings something."""
        place = place_of(address_of(self.address)) or "this machine"
        by_browser = [] if self.browser is None else [f"{self.key} {self.browser.hex()}"]
        return [
            (Counted.PLACE, place),
            (Counted.NETWORK, f"{self.key} {self.network.where}"),
            (Counted.NAME, self.key),
            *((Counted.BROWSER, who) for who in by_browser),
        ]

    @property
    def places(self) -> Sequence[Familiar]:
        """Where it comes from."""
        return [self.network, *filter(None, [self.own_browser])]

    @property
    def own_browser(self) -> Familiar | None:
        """It, with the account's name; None where it brings nothing."""
        return None if self.browser is None else Familiar(name=self.key, where=self.browser.hex())


class Attempts:
    """`now_s` is monotonic seconds."""

    def __init__(self) -> None:
        self._lockouts = {
            Counted.PLACE: Lockout(),
            Counted.NETWORK: Lockout(),
            Counted.BROWSER: Lockout(),
            Counted.NAME: Lockout(
                free_failures=FREE_FAILURES_OF_A_NAME, longest_wait_s=FIRST_WAIT_S
            ),
        }
        self._familiar: dict[Familiar, None] = {}

    def recall(
        self,
        attempt: Attempt,
        failures: Iterable[Failures],
        familiar: Iterable[Familiar],
        now_s: float,
    ) -> None:
        """All that is kept of what this attempt counts by and where it comes from: also what other
        processes counted and forgave, and what was before a restart."""
        for counted, who in attempt.may_count_by:
            self._lockouts[counted].succeeded(who)
        for each in failures:
            lockout = self._lockouts[each.counted]
            lockout.recall(each.who, count=each.count, last_s=now_s - max(0.0, each.age_s))
        for place in attempt.places:
            self._familiar.pop(place, None)
        for place in familiar:
            self.remember(place)

    def knows_browser(self, attempt: Attempt) -> bool:
        """Whether somebody signed in to that account there."""
        return attempt.is_inside or attempt.own_browser in self._familiar

    def wait_s(self, attempt: Attempt, now_s: float) -> float:
        """Seconds until this may be tried; 0 where it may now."""
        return max(
            self._lockouts[counted].wait_s(who, now_s) for counted, who in self._counts_by(attempt)
        )

    def failed(self, attempt: Attempt, now_s: float) -> Sequence[Failures]:
        """Counts it; what is to be kept of it."""
        return [
            Failures(counted=counted, who=who, count=self._lockouts[counted].failed(who, now_s))
            for counted, who in self._counts_by(attempt)
        ]

    def succeeded(self, attempt: Attempt) -> Sequence[Failures]:
        """Forgives; what is not to be kept any more."""
        return [
            Failures(counted=counted, who=who, count=0)
            for counted, who in (*self._counts_by(attempt), (Counted.NAME, attempt.key))
            if self._lockouts[counted].succeeded(who)
        ]

    def remember(self, place: Familiar) -> None:
        """Somebody showed from there that the account is theirs."""
        self._familiar.pop(place, None)
        if len(self._familiar) >= MOST_FAMILIAR:
            del self._familiar[next(iter(self._familiar))]
        self._familiar[place] = None

    def _counts_by(self, attempt: Attempt) -> Sequence[tuple[Counted, str]]:
        place, network, name, *browser = attempt.may_count_by
        if browser and self.knows_browser(attempt):
            return browser
        if attempt.network in self._familiar:
            return [place, network]
        return [place, network, name]

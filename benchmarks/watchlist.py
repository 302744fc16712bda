"""What one sighting costs against a long watchlist: `python -m benchmarks.watchlist`.

Makes entries of a seed (whole plates; with wildcards, of which three to five characters are known;
half of them with look-alikes), arranges them as the server does, and has sightings evaluated one by
one: most are listed nowhere, some are. Besides, how long the arranging takes, and one change.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.machine import Machine, machine_of
from server.storage.reading.sightings import Matching
from server.watchlist.rule_book import RuleBook
from server.watchlist.rules import EntryRule, Kind, ListRule, Seen, Subject

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
OPEN_SHARE: Final = 0.3
"""Of entries with a wildcard."""
LISTED_SHARE: Final = 0.2
"""Of sightings."""
_AT: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Times of one sighting in microseconds, by the clock and (`cpu_`) of the processor: on a busy
    machine the former hold what other programs took. `arranged_s` is of all entries."""

    machine: Machine
    entries: int
    sightings: int
    alerts: int
    arranged_s: float
    changed_us: float
    median_us: float
    p99_us: float
    cpu_median_us: float
    cpu_p99_us: float
    cpu_largest_us: float


def measure(entries: int, sightings: int, seed: int) -> Result:
    chance = random.Random(seed)
    rules = [_entry(number, chance) for number in range(1, entries + 1)]
    book = RuleBook()
    book.put_list(ListRule(id=1, kind=Kind.ALERT, subject=Subject.PLATES))
    began = time.perf_counter()
    for rule in rules:
        book.put_entry(rule)
    arranged_s = time.perf_counter() - began
    changed = [_timed_change(book, chance.choice(rules)) for _ in range(200)]
    times: list[float] = []
    cpu_times: list[float] = []
    alerts = 0
    for text in _texts(rules, sightings, chance):
        seen = Seen(subject=Subject.PLATES, sighting_id=1, device_id="gate-1", at=_AT, plate=text)
        began, cpu_began = time.perf_counter(), time.thread_time()
        found = book.evaluate(seen, UTC)
        times.append(1e6 * (time.perf_counter() - began))
        cpu_times.append(1e6 * (time.thread_time() - cpu_began))
        alerts += len(found)
    late = int(0.99 * len(times))
    return Result(
        machine=machine_of(Path.cwd()),
        entries=len(book),
        sightings=sightings,
        alerts=alerts,
        arranged_s=round(arranged_s, 2),
        changed_us=round(1e6 * statistics.median(changed), 1),
        median_us=round(statistics.median(times), 1),
        p99_us=round(sorted(times)[late], 1),
        cpu_median_us=round(statistics.median(cpu_times), 1),
        cpu_p99_us=round(sorted(cpu_times)[late], 1),
        cpu_largest_us=round(max(cpu_times), 1),
    )


def _timed_change(book: RuleBook, rule: EntryRule) -> float:
    began = time.perf_counter()
    book.put_entry(rule)
    return time.perf_counter() - began


def _plate(chance: random.Random) -> str:
    letters = "".join(chance.choices(LETTERS, k=3))
    return f"{letters}{chance.randrange(10_000):04}"


def _entry(number: int, chance: random.Random) -> EntryRule:
    plate = _plate(chance)
    if chance.random() < OPEN_SHARE:
        at = chance.randrange(3, 6)
        plate = chance.choice(
            (f"{plate[:at]}*", f"*{plate[7 - at :]}", f"{plate[:at]}?{plate[at + 1 :]}")
        )
    matching = chance.choice((Matching.EXACT, Matching.LIKELY))
    return EntryRule(id=number, list_id=1, plate=plate, matching=matching)


def _texts(rules: Sequence[EntryRule], count: int, chance: random.Random) -> list[str]:
    listed = [rule.plate for rule in rules if "*" not in rule.plate and "?" not in rule.plate]
    return [
        chance.choice(listed) if chance.random() < LISTED_SHARE else _plate(chance)
        for _ in range(count)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--sightings", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    result = measure(given.entries, given.sightings, given.seed)
    print(json.dumps(asdict(result), indent=1))


if __name__ == "__main__":
    main()

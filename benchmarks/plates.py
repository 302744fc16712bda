"""Measures the plate reader on photographs with known plates: `python -m benchmarks.plates`."""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from vision.pictures import load_picture
from vision.plates.reader import EmbeddedPlateReader
from vision.reading import PlateReader

DEFAULT_FOLDER = Path("../shared/data/plates")
_TUNE_SHARE = 0.5
_Z95 = 1.959964


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One picture: its true plate and what was answered, best first."""

    file: str
    truth: str
    answers: tuple[str, ...]
    ms: float

    @property
    def is_exact(self) -> bool:
        return self.truth in self.answers

    @property
    def is_exact_but_zero(self) -> bool:
        """Exact where O and 0 count as one (some labels carry an O for a 0)."""
        return _zeroed(self.truth) in {_zeroed(answer) for answer in self.answers}

    @property
    def is_near(self) -> bool:
        return any(distance(self.truth, answer) <= 1 for answer in self.answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share with its 95% Wilson score interval (Wilson 1927)."""

    hits: int
    of: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The figures of one set of pictures; times in milliseconds."""

    name: str
    exact: Rate
    exact_but_zero: Rate
    near: Rate
    answered: Rate
    right_when_answered: Rate
    false_answers: int
    mean_ms: float
    p50_ms: float
    p95_ms: float


def rate(hits: int, of: int) -> Rate:
    """`hits / of` with its interval; an empty set gives 0 in 0..1."""
    if of == 0:
        return Rate(hits=0, of=0, share=0.0, low=0.0, high=1.0)
    share = hits / of
    spread = _Z95**2 / of
    center = (share + spread / 2) / (1 + spread)
    reach = _Z95 / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    low, high = max(0.0, center - reach), min(1.0, center + reach)
    return Rate(hits=hits, of=of, share=share, low=min(low, share), high=max(high, share))


def distance(left: str, right: str) -> int:
    """Fewest insertions, deletions and replacements that make one text of the other."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def summary(name: str, outcomes: Sequence[Outcome]) -> Summary:
    answered = [outcome for outcome in outcomes if outcome.answers]
    times = sorted(outcome.ms for outcome in outcomes)
    exact = sum(outcome.is_exact for outcome in outcomes)
    return Summary(
        name=name,
        exact=rate(exact, len(outcomes)),
        exact_but_zero=rate(sum(o.is_exact_but_zero for o in outcomes), len(outcomes)),
        near=rate(sum(outcome.is_near for outcome in outcomes), len(outcomes)),
        answered=rate(len(answered), len(outcomes)),
        right_when_answered=rate(exact, len(answered)),
        false_answers=sum(
            _zeroed(answer) != _zeroed(outcome.truth)
            for outcome in outcomes
            for answer in outcome.answers
        ),
        mean_ms=statistics.fmean(times),
        p50_ms=times[len(times) // 2],
        p95_ms=times[min(len(times) - 1, int(len(times) * 0.95))],
    )


def is_for_tuning(file: str) -> bool:
    """Half of the pictures, by the sha256 of their name: the same ones on every machine."""
    return hashlib.sha256(file.encode()).digest()[0] < 256 * _TUNE_SHARE


def measure(folder: Path, reader: PlateReader) -> list[Outcome]:
    """Read every picture that the folder's `truth.csv` names."""
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    outcomes = []
    for row in track(rows, description=folder.name, console=Console(stderr=True)):
        picture = load_picture(folder / row["file"])
        started = time.perf_counter()
        readings = reader.read(picture)
        outcomes.append(
            Outcome(
                file=row["file"],
                truth=row["plate"],
                answers=tuple(plate.text for plate in readings.plates),
                ms=(time.perf_counter() - started) * 1000,
            )
        )
    return outcomes


def summaries(name: str, outcomes: Sequence[Outcome]) -> list[Summary]:
    """The whole set, then its tuning half and the half to check with."""
    tune = [outcome for outcome in outcomes if is_for_tuning(outcome.file)]
    check = [outcome for outcome in outcomes if not is_for_tuning(outcome.file)]
    parts = ((name, outcomes), (f"{name} tune", tune), (f"{name} check", check))
    return [summary(label, part) for label, part in parts if part]


def _zeroed(text: str) -> str:
    return text.replace("O", "0")


def _table(found: Iterable[Summary]) -> Table:
    table = Table(title="plates, 95% Wilson intervals")
    for column in (
        "set", "n", "exact", "O=0 alike", "within one", "answered", "right of these", "false",
        "ms mean", "p50", "p95",
    ):  # fmt: skip
        table.add_column(column, justify="left" if column == "set" else "right")
    for one in found:
        rates = (one.exact, one.exact_but_zero, one.near, one.answered, one.right_when_answered)
        table.add_row(
            one.name,
            str(one.exact.of),
            *(f"{r.share:.1%} ({r.low:.0%}-{r.high:.0%})" for r in rates),
            str(one.false_answers),
            *(f"{ms:.0f}" for ms in (one.mean_ms, one.p50_ms, one.p95_ms)),
        )
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plates", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument(
        "--regions",
        default=None,
        help="comma-separated; empty: guess; left out: both, each folder's name and guessing",
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="one line of JSON for each set")
    parser.add_argument("--misses", action="store_true", help="list what was not read exactly")
    options = parser.parse_args(arguments)
    folders = sorted(path.parent for path in options.folder.rglob("truth.csv"))
    if not folders:
        parser.error(f"no truth.csv in {options.folder}; give a folder of pictures with one")
    found: list[Summary] = []
    for folder in folders:
        known = (folder.name,) if options.regions is None else _regions(options.regions)
        for regions in {known, () if options.regions is None else known}:
            reader = EmbeddedPlateReader(regions=regions, threads=options.threads)
            outcomes = measure(folder, reader)
            label = f"{folder.name} {'+'.join(regions) or 'guessed'}"
            found.extend(summaries(label, outcomes))
            if options.misses:
                _print_misses(label, outcomes)
    if options.json:
        for one in found:
            print(json.dumps(asdict(one)))
    else:
        Console(width=160).print(_table(found))


def _regions(text: str) -> tuple[str, ...]:
    return tuple(region.strip() for region in text.split(",") if region.strip())


def _print_misses(label: str, outcomes: Iterable[Outcome]) -> None:
    for outcome in outcomes:
        if not outcome.is_exact or len(outcome.answers) > 1:
            print(f"{label}: {outcome.file} is {outcome.truth}, read {list(outcome.answers)}")


if __name__ == "__main__":
    main()

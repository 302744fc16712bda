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

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from vision.pictures import load_picture
from vision.plates.reader import EmbeddedPlateReader
from vision.reading import Picture, PlateReader

DEFAULT_FOLDER = Path("../shared/data/plates")
_TUNE_SHARE = 0.5
_Z95 = 1.959964

BOARDS = (
    "2024-08-06 10:30:00", "06/08/2024", "10:30:45", "CAM 01", "CAM1 10:30", "2024-11-22",
    "12 NOV 2026", "Fri 22 Nov", "CAMERA 01", "IPC-HFW1230", "CH01", "CH 1", "FPS 25", "GATE 12",
    "GATE 2A", "NVR4108", "DS-2CD2043", "AXIS P1448", "EXIT 79", "EXIT 12A", "M25", "A40 (M)",
    "SPEED 30", "SPEED 50", "40 MPH", "ROUTE 66", "I-95", "HWY 101", "US 101", "MAX 3.5 T",
    "3.5t", "2.1 m", "NO PARKING", "STOP", "ONE WAY", "P 24H", "KM 1234", "E 40 A4", "B 500",
    "BUS 123", "ZONE 30", "50 km/h", "HEIGHT 4.2M", "SHELL", "LIDL", "BP 24H", "H&M", "OPEN 24H",
    "PIZZA 24", "TEL 555 1234", "CALL 0800 123", "ATM 24", "7 ELEVEN", "COFFEE 4U", "24 HOUR",
    "SALE 50%", "ROOM 101", "SUITE 200", "FLAT 12B", "IKEA 2024", "ABC 123", "TAXI 4321",
    "TAXI 123", "WC 100", "BAR 360", "GYM 247", "CAFE 1920", "USD 1234", "EUR 500", "GBP 1299",
    "THB 2500", "NOW 1999", "ONLY 499", "WAS 1299", "FROM 199", "$1,299", "1.299 EUR", "PLU 4011",
    "ABV 12", "NET 500G", "350 ML", "SIZE 42", "BUS 42", "LINE 12", "BA 1234", "LH 1234",
    "FR 1234", "KL 1009", "GATE B12", "RYR 1234", "AB 12345", "PLATFORM 9", "TRAM 123",
    "MSKU 123456", "CSQU3054383", "22G1", "MAX GROSS 30480", "TARE 2200 KG", "DOT 123456",
    "USDOT 1234567", "MC 123456", "UN 1203", "33 1203", "RTX 4090", "GTX 1080", "USB 3.0",
    "HTTP 404", "SHA 256", "ISO 9001", "COVID 19", "WIN 2000", "PID 1234", "RAM 16GB", "IPV4",
    "UTF-8", "ERR 500", "SN 12345678", "MODEL X200", "VIN 1HGCM", "REV 1234", "BOX 1234",
    "FIG 123", "TAB 1234", "VOL 2000", "INV 2024", "REF 1234", "SKU 12345", "DAY 123", "MAY 2024",
    "NOV 2026", "JUN 1999", "SEP 1234", "PAGE 123", "LOT 4521", "ROW 123", "PIN 1234", "TOP 1000",
    "BMW 320", "AUDI A4", "BMW 320D", "GOLF GTI", "MAN 18440", "VOLVO FH16", "SCANIA R450",
    "DAF XF 480",
)  # fmt: skip
"""Texts of signs, shops, overlays, prices and model names: none is a plate, many look like one."""


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


def drawn_board(text: str) -> Picture:
    """`text` in dark capitals 47 px high on a light board, 1280x720: sharper than any street."""
    picture = np.full((720, 1280, 3), (105, 100, 95), np.uint8)
    font, size, weight = cv2.FONT_HERSHEY_SIMPLEX, 2.2, 6
    (width, _), _ = cv2.getTextSize(text, font, size, weight)
    cv2.rectangle(picture, (375, 318), (425 + width, 415), (235, 240, 240), cv2.FILLED)
    cv2.putText(picture, text, (400, 390), font, size, (20, 15, 15), weight, cv2.LINE_AA)
    return picture


def false_boards(reader: PlateReader) -> dict[str, tuple[str, ...]]:
    """The boards of `BOARDS` on which plates were read, and what was read there."""
    found = {}
    for text in track(BOARDS, description="boards", console=Console(stderr=True)):
        plates = reader.read(drawn_board(text)).plates
        if plates:
            found[text] = tuple(plate.text for plate in plates)
    return found


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
    parser.add_argument(
        "--boards",
        action="store_true",
        help="measure false plates on drawn boards instead; needs no photographs",
    )
    options = parser.parse_args(arguments)
    if options.boards:
        _measure_boards(_regions(options.regions or ""), options)
        return
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


def _measure_boards(regions: tuple[str, ...], options: argparse.Namespace) -> None:
    """Print how many boards without a plate gave one."""
    reader = EmbeddedPlateReader(regions=regions, threads=options.threads)
    found = false_boards(reader)
    name, false = f"boards {'+'.join(regions) or 'guessed'}", rate(len(found), len(BOARDS))
    if options.json:
        print(json.dumps({"name": name, "false_plates": asdict(false)}))
    else:
        print(
            f"{name}: a plate on {false.hits} of {false.of} boards without one, "
            f"{false.share:.1%} ({false.low:.0%}-{false.high:.0%})"
        )
    if options.misses:
        for text, answers in found.items():
            print(f"{name}: {text!r} read {list(answers)}")


def _regions(text: str) -> tuple[str, ...]:
    return tuple(region.strip() for region in text.split(",") if region.strip())


def _print_misses(label: str, outcomes: Iterable[Outcome]) -> None:
    for outcome in outcomes:
        if not outcome.is_exact or len(outcome.answers) > 1:
            print(f"{label}: {outcome.file} is {outcome.truth}, read {list(outcome.answers)}")


if __name__ == "__main__":
    main()

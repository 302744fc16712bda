"""Measures the plate reader on photographs with known plates: `python -m benchmarks.plates`."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.plate_boards import (
    BOARDS_FOR_A_PLATE,
    Board,
    boards,
    drawn_board,
    false_boards,
    stacked_boards,
)
from benchmarks.plate_peer import measure_peer
from benchmarks.plate_photographs import Photograph, measure, photographs, read_one
from benchmarks.plate_reliability import (
    BOARDS_KIND,
    DRAWN_KIND,
    Shown,
    degraded,
    drawn_plates,
    parts,
    reliability,
)
from benchmarks.plate_scores import (
    Outcome,
    Summary,
    is_for_tuning,
    rate,
    summaries,
)
from benchmarks.plate_sheet import write_sheet
from benchmarks.plate_thai import thai_digits
from vision.networks import Networks, NetworkSettings
from vision.plates.reader import EmbeddedPlateReader

DEFAULT_FOLDER = Path("../shared/data/plates")

Failures = list[tuple[str, Photograph, Outcome]]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    if options.thai:
        _measure_thai(options)
        return
    if options.boards:
        _measure_boards(options)
        return
    folders = sorted(path.parent for path in options.folder.rglob("truth.csv"))
    if not folders:
        _parser().error(f"no truth.csv in {options.folder}; give a folder of pictures with one")
    if options.reliability:
        _measure_reliability(folders, options)
        return
    found: list[Summary] = []
    failures: Failures = []
    for folder in folders:
        shown = photographs(folder)
        if options.half != "both":
            shown = [p for p in shown if is_for_tuning(p.path.name) == (options.half == "tune")]
        for regions in _region_sets(folder.name, options.regions):
            label = f"{folder.name} {'+'.join(regions) or 'guessed'}"
            reader = _reader(regions, options)
            outcomes = measure(shown, reader, label=label, margin=options.crops)
            found += summaries(label, outcomes)
            failures += _failures(label, shown, outcomes)
        if options.compare:
            found += summaries(f"{folder.name} RapidOCR", measure_peer(shown, label="RapidOCR"))
    _print(found, failures, options)


def _reader(regions: tuple[str, ...], options: argparse.Namespace) -> EmbeddedPlateReader:
    settings = NetworkSettings(
        threads=options.threads, providers=tuple(options.providers.split(","))
    )
    return EmbeddedPlateReader(regions=regions, networks=Networks(settings))


def _print(found: Sequence[Summary], failures: Failures, options: argparse.Namespace) -> None:
    if options.json:
        for one in found:
            print(json.dumps(asdict(one)))
    else:
        console = Console(width=170)
        console.print(_accuracy(found))
        console.print(_time(found))
    if options.misses:
        for label, photograph, outcome in failures:
            name, read = photograph.path.name, list(outcome.answers)
            print(f"{label}: {name} is {outcome.truth}, read {read}")
    if options.sheet is not None:
        write_sheet(options.sheet, failures)


def _region_sets(name: str, asked: str | None) -> list[tuple[str, ...]]:
    """What was asked for, or the folder's own region and then guessing."""
    return [(name,), ()] if asked is None else [_regions(asked)]


def _failures(label: str, shown: Sequence[Photograph], outcomes: Sequence[Outcome]) -> Failures:
    pairs = zip(shown, outcomes, strict=True)
    return [(label, p, o) for p, o in pairs if not o.is_exact or len(o.answers) > 1]


def _accuracy(found: Iterable[Summary]) -> Table:
    table = Table(title="plates: shares with 95% Wilson intervals; check = never tuned on")
    for column in (
        "set", "n", "exact", "O=0 alike", "within one", "answered", "right of these",
        "O=0 alike", "false",
    ):  # fmt: skip
        table.add_column(column, justify="left" if column == "set" else "right")
    for one in found:
        rates = (
            one.exact, one.exact_but_zero, one.near, one.answered, one.right_when_answered,
            one.right_but_zero,
        )  # fmt: skip
        table.add_row(one.name, str(one.exact.of), *map(str, rates), str(one.false_answers))
    return table


def _time(found: Sequence[Summary]) -> Table:
    stages = list(dict.fromkeys(stage for one in found for stage in one.stages))
    table = Table(title="milliseconds a picture: mean, p50, p95 (decoding not counted)")
    for column in ("set", "all", *stages):
        table.add_column(column, justify="left" if column == "set" else "right")
    for one in found:
        cells = [one.ms, *(one.stages.get(stage) for stage in stages)]
        table.add_row(
            one.name,
            *("-" if c is None else f"{c.mean:.0f} {c.p50:.0f} {c.p95:.0f}" for c in cells),
        )
    return table


def _measure_boards(options: argparse.Namespace) -> None:
    """Print how many boards without a plate gave one, with the regions known and guessed."""
    chosen = options.regions
    for regions in (*_KNOWN[:-1], ()) if chosen is None else (_regions(chosen),):
        reader = _reader(regions, options)
        for half in ("check", "tune") if options.half == "both" else (options.half,):
            for kind, drawn in (("boards", boards()), ("boards in two lines", stacked_boards())):
                shown = [b for b in drawn if is_for_tuning(b.text) == (half == "tune")]
                name = f"{kind} {'+'.join(regions) or 'guessed'} {half}"
                _print_boards(name, shown, false_boards(reader, shown), options)


def _print_boards(
    name: str,
    shown: Sequence[Board],
    found: dict[Board, tuple[str, ...]],
    options: argparse.Namespace,
) -> None:
    false = rate(len(found), len(shown))
    if options.json:
        print(json.dumps({"name": name, "false_plates": asdict(false)}))
    else:
        print(f"{name}: a plate on {false.hits} of {false.of} boards without one, {false}")
    for board, answers in found.items() if options.misses else ():
        print(f"{name}: {board.text!r} ({board.style}) read {list(answers)}")


def _measure_thai(options: argparse.Namespace) -> None:
    """Print how often the digits of drawn Thai plates are read, known and guessed."""
    for regions in (("th",), ()):
        reader = _reader(regions, options)
        found = thai_digits(reader, options.thai, seed=1)
        name = f"thai {'+'.join(regions) or 'guessed'}"
        if options.json:
            print(json.dumps({"name": name} | asdict(found)))
        else:
            print(
                f"{name}: of {options.thai} drawn plates the number is right on {found.right}, "
                f"wrong on {found.wrong}; taken for another country's {found.foreign}"
            )


def _measure_reliability(folders: Sequence[Path], options: argparse.Namespace) -> None:
    """Print how often an answer of each confidence is right: all, in parts, by kind of picture."""
    seen: list[Shown] = []
    for folder in folders:
        for regions in _region_sets(folder.name, options.regions):
            reader = _reader(regions, options)
            worsened = list(_worsened(folder, reader, options))
            seen += [Shown(kind, not regions, outcome) for kind, outcome in worsened]
            wanted = round(BOARDS_FOR_A_PLATE * len(worsened))
            seen += [
                Shown(BOARDS_KIND, not regions, outcome)
                for outcome in _boards_read(reader, wanted, options)
            ]
    readers = {r: _reader(r, options) for r in _KNOWN}
    drawn = list(drawn_plates(options.drawn, seed=1))
    for region, text, picture in track(drawn, description="drawn", console=_stderr()):
        for regions in ((region,), ()):
            outcome = read_one(readers[regions], picture, file=text, truth=text)
            seen.append(Shown(DRAWN_KIND, not regions, outcome))
    for name, outcomes in parts(seen).items():
        _print_reliability(name, outcomes, as_json=options.json)


def _boards_read(
    reader: EmbeddedPlateReader, wanted: int, options: argparse.Namespace
) -> list[Outcome]:
    """Of the chosen half, in the order of their hashes, so many: each answer is a wrong one."""
    shown = [
        board
        for board in sorted(boards(), key=lambda b: hashlib.sha256(str(b).encode()).digest())
        if options.half == "both" or is_for_tuning(board.text) == (options.half == "tune")
    ]
    return [
        read_one(reader, drawn_board(board), file=board.text, truth="")
        for board in track(shown[:wanted], description="boards", console=_stderr())
    ]


_KNOWN: tuple[tuple[str, ...], ...] = (("eu",), ("us",), ("br",), ())


def _worsened(
    folder: Path, reader: EmbeddedPlateReader, options: argparse.Namespace
) -> Iterable[tuple[str, Outcome]]:
    """Of the chosen half: as they are, and made worse. The same ones on every run."""
    for photograph in track(photographs(folder), description=folder.name, console=_stderr()):
        name, plate = photograph.path.name, photograph.plate
        if options.half != "both" and is_for_tuning(name) != (options.half == "tune"):
            continue
        yield "photographs", read_one(reader, photograph.picture(), file=name, truth=plate)
        seed = int.from_bytes(name.encode()[-8:], "little")
        for kind, picture in degraded(photograph, np.random.default_rng(seed)):
            yield kind, read_one(reader, picture, file=name, truth=plate)


def _print_reliability(kind: str, outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    rows = reliability(outcomes)
    exact = rate(sum(o.is_exact_but_zero for o in outcomes), len(outcomes))
    if as_json:
        bins = [asdict(row) for row in rows]
        print(json.dumps({"name": kind, "read": asdict(exact), "bins": bins}))
        return
    table = Table(title=f"{kind}: {exact.of} pictures, {exact} read (O=0 alike)")
    for column in ("confidence", "answers", "said", "right"):
        table.add_column(column, justify="right")
    for row in rows:
        right = str(row.right)
        table.add_row(f"{row.low:.2f}-{row.high:.2f}", str(row.right.of), f"{row.said:.1%}", right)
    Console(width=100).print(table)


def _stderr() -> Console:
    return Console(stderr=True)


def _regions(text: str) -> tuple[str, ...]:
    return tuple(region.strip() for region in text.split(",") if region.strip())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plates", description=__doc__)
    add: Callable[..., object] = parser.add_argument
    add("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    add(
        "--regions",
        default=None,
        help="comma-separated; empty: guess; left out: both, each folder's name and guessing",
    )
    add("--threads", type=int, default=2)
    add("--providers", default="cpu", help="as AGENT_ONNX_PROVIDERS: cuda,cpu")
    add("--half", choices=("both", "check", "tune"), default="both")
    add(
        "--crops",
        type=float,
        metavar="MARGIN",
        help="read the plates alone, with this share of their size around them (0, 0.3)",
    )
    add("--compare", action="store_true", help="RapidOCR as it comes, on the same pictures")
    add("--json", action="store_true", help="one line of JSON for each set")
    add("--misses", action="store_true", help="list what was not read exactly")
    add("--sheet", type=Path, metavar="FILE", help="a PNG or JPEG of what was not read exactly")
    add(
        "--boards",
        action="store_true",
        help="measure false plates on drawn boards instead; needs no photographs",
    )
    add(
        "--reliability",
        action="store_true",
        help="measure what confidences are worth: photographs, copies, drawn plates, boards",
    )
    add("--thai", type=int, metavar="N", help="read N drawn Thai plates instead")
    add("--drawn", type=int, default=200, help="drawn plates for --reliability")
    return parser


if __name__ == "__main__":
    main()

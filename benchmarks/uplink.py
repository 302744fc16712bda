"""Measures the way from a camera's database to the server's disk: `python -m benchmarks.uplink`.

In one run on one disk: the limit that SQLite sets, our two programs, and two message brokers.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import limit, ours, peers
from benchmarks.machine import Machine, NotOnDisk, machine_of
from benchmarks.traffic import Traffic, fill


@dataclass(slots=True, kw_only=True)
class Case:
    """One kind of rows and everything that was measured with them; rates in rows a second.

    `cpu_us` is processor time a row, in microseconds, by process.
    """

    name: str
    rows: int
    rates: dict[str, list[float]] = field(default_factory=dict)
    cpu_us: dict[str, list[float]] = field(default_factory=dict)
    peak_mb: float = 0.0

    def note(self, name: str, seconds: float, **cpu_s: float) -> None:
        self.rates.setdefault(name, []).append(self.rows / seconds)
        for process, spent_s in cpu_s.items():
            self.cpu_us.setdefault(f"{name} {process}", []).append(spent_s / self.rows * 1e6)

    def rate(self, name: str) -> float:
        """The median; 0 where it was not measured."""
        return statistics.median(self.rates[name]) if name in self.rates else 0.0

    @property
    def limit(self) -> float:
        """The best group size's median."""
        return max(self.rate(_limit_name(group)) for group in limit.GROUPS)

    @property
    def best_peer(self) -> float:
        return max(self.rate(peer.name) for peer in peers.PEERS)


def _limit_name(group: int) -> str:
    return f"limit {group}"


def measure(
    case: Case, traffic: Traffic, folder: Path, repetitions: int, step: Callable[[str], None]
) -> None:
    """Fills a camera's database, then measures in turns, so that a slow minute hits all alike."""
    step(f"{case.name}: filling")
    database, images = folder / "camera" / "lpr_data.db", folder / "camera" / "images"
    fill(database, images, traffic)
    start_cpu_s = _start_cost(folder)
    encoded = limit.encoded_rows(database, images)
    messages = folder / "messages"
    messages.write_bytes(b"\n".join(encoded))
    forms = limit.stored_forms(encoded)
    del encoded
    for turn in range(1, repetitions + 1):
        for group in limit.GROUPS:
            step(f"{case.name}: limit, {group} rows a transaction ({turn}/{repetitions})")
            written = limit.write(folder / "limit", forms, group)
            case.note(_limit_name(group), written.seconds, process=written.cpu_s)
        step(f"{case.name}: sender and server ({turn}/{repetitions})")
        sent = ours.send(folder / "ours", database, images, start_cpu_s=start_cpu_s)
        _expect_all(case, "ours", sent.rows)
        case.note("ours", sent.seconds, sender=sent.sender_cpu_s, server=sent.server_cpu_s)
        case.peak_mb = max(case.peak_mb, sent.server_peak_mb)
        for peer in peers.PEERS:
            step(f"{case.name}: {peer.name} ({turn}/{repetitions})")
            if peer.path is None:
                continue
            delivered = peers.deliver(peer, folder / "peer", messages, case.rows)
            _expect_all(case, peer.name, delivered.rows)
            case.note(
                peer.name,
                delivered.seconds,
                publisher=delivered.publisher_cpu_s,
                broker=delivered.broker_cpu_s,
                consumer=delivered.consumer_cpu_s,
            )


def _start_cost(folder: Path) -> float:
    """Processor seconds that a sender with nothing to send takes."""
    empty = folder / "empty"
    fill(empty / "lpr_data.db", empty / "images", Traffic(rows=0, with_pictures=False, seed=0))
    return ours.send(folder / "ours", empty / "lpr_data.db", empty / "images").sender_cpu_s


def _expect_all(case: Case, name: str, rows: int) -> None:
    if rows != case.rows:
        raise ours.RunFailed(f"{name} stored {rows} rows of {case.rows}")


def report(case: Case) -> dict[str, Any]:
    """The figures of a case as plain values."""
    found = asdict(case)
    found["median"] = {name: round(case.rate(name), 1) for name in case.rates}
    found["limit"] = round(case.limit, 1)
    found["ours_to_limit"] = round(case.rate("ours") / case.limit, 3)
    if case.best_peer:
        found["ours_to_best_peer"] = round(case.rate("ours") / case.best_peer, 2)
    return found


def _table(case: Case) -> Table:
    table = Table(title=f"{case.name}: {case.rows} rows")
    for column in ("", "rows/s", "lowest", "highest", "of the limit", "CPU us/row"):
        table.add_column(column, justify="left" if not column else "right")
    for name, rates in case.rates.items():
        cpu = ", ".join(
            f"{key.removeprefix(name).strip()} {statistics.median(spent):.0f}"
            for key, spent in case.cpu_us.items()
            if key.startswith(f"{name} ")
        )
        table.add_row(
            name,
            f"{case.rate(name):,.0f}",
            f"{min(rates):,.0f}",
            f"{max(rates):,.0f}",
            f"{case.rate(name) / case.limit:.2f}",
            cpu,
        )
    return table


def _print(machine: Machine, cases: Sequence[Case], console: Console) -> None:
    console.print(
        f"{machine.processor}, {machine.cores} cores, Linux {machine.kernel}, Python "
        f"{machine.python}, SQLite {machine.sqlite}; on {machine.file_system} "
        f"({machine.mounted_at}), {machine.measured_at}"
    )
    for case in cases:
        console.print(_table(case))
        against = (
            f", {case.rate('ours') / case.best_peer:.1f} x the better peer"
            if case.best_peer
            else ""
        )
        console.print(
            f"ours: {case.rate('ours') / case.limit:.2f} of the limit{against}; "
            f"the server's memory at most {case.peak_mb:.0f} MB"
        )
    for peer in peers.PEERS:
        if peer.path is None:
            console.print(f"{peer.name} was left out: install the Debian package {peer.package}")


@contextmanager
def _steps(count: int) -> Iterator[Callable[[str], None]]:
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=count)

        def step(what: str) -> None:
            progress.update(task, description=what, advance=1)

        yield step


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.uplink", description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000, help="rows without pictures (20000)")
    parser.add_argument("--pictures", type=int, default=4_000, help="rows with 45 KB each (4000)")
    parser.add_argument("--repetitions", type=int, default=5, help="turns of everything (5)")
    parser.add_argument("--seed", type=int, default=1, help="of the rows and pictures (1)")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="on the disk to measure; not in memory (the system's temporary folder)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        machine = machine_of(options.folder)
    except NotOnDisk as error:
        parser.error(str(error))
    wanted = (("with pictures", options.pictures, True), ("without pictures", options.rows, False))
    cases: list[Case] = []
    turns = options.repetitions * (len(limit.GROUPS) + 1 + len(peers.PEERS)) + 1
    chosen = [each for each in wanted if each[1] > 0]
    with _steps(len(chosen) * turns) as step:
        for name, rows, with_pictures in chosen:
            case = Case(name=name, rows=rows)
            traffic = Traffic(rows=rows, with_pictures=with_pictures, seed=options.seed)
            with tempfile.TemporaryDirectory(
                prefix="sightpost-uplink-", dir=options.folder
            ) as place:
                measure(case, traffic, Path(place), options.repetitions, step)
            cases.append(case)
    if options.json:
        print(json.dumps({"machine": asdict(machine), "cases": [report(case) for case in cases]}))
    else:
        _print(machine, cases, Console(width=120))


if __name__ == "__main__":
    main()

"""What metrics cost the ingest: `python -m benchmarks.metrics`.

The same rows go to a server with metrics and to one without, in turns, each pair in another order;
the one with metrics is scraped meanwhile. Beside that the meter alone is timed on the same rows,
and scrapes of an idle server, for a difference of less than 1% is smaller than what one run differs
from the next.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import limit, ours
from benchmarks.machine import machine_of
from benchmarks.traffic import Traffic, fill
from server.ingest.meter import IngestMeter
from server.ingest.writer import GROUP_ROWS
from wire.accepted import AcceptedRow

_RESAMPLES: Final = 2000
_METER_ROUNDS: Final = 200
_LEAST_PAIRS: Final = 2
_IDLE_SCRAPES: Final = 20
"""Before rows come, in a row: their processor time is told in hundredths of a second."""
_CPU: Final = "process_cpu_seconds_total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One run each; rates in rows a second, processor time of the server in microseconds a row."""

    rate_on: float
    rate_off: float
    cpu_us_on: float
    cpu_us_off: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A ratio, on to off: the median of the pairs and its 95% bootstrap interval."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`meter_us` is what the meter takes of a row. Of a scrape in milliseconds, medians:
    `scrape_ms` is how long a page took while rows came, `scrape_cpu_ms` the server's processor time
    for one, `first_scrape_ms` how long the first of a program took, while nothing else was done.
    """

    rows: int
    pairs: int
    rate: Share
    cpu: Share
    rows_per_s_on: float
    rows_per_s_off: float
    cpu_us_off: float
    meter_us: float
    scrapes: int
    scrape_ms: float
    scrape_cpu_ms: float
    first_scrape_ms: float

    @property
    def meter_share(self) -> float:
        """Of the server's processor time for a row."""
        return self.meter_us / self.cpu_us_off

    def scrape_share(self, every_s: float) -> float:
        """Of the processor time that a full server spends on rows, with a scrape so often."""
        rows_ms_a_second = self.rows_per_s_off * self.cpu_us_off / 1000
        return self.scrape_cpu_ms / every_s / rows_ms_a_second


class Scraper:
    """Asks for the page again and again, as Prometheus does; notes how long each took.

    Each server is asked before rows come too: a server that runs for weeks is scraped for the first
    time once, and what that takes is told apart.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self.took_ms: list[float] = []
        self.first_ms: list[float] = []
        self.idle_cpu_ms: list[float] = []

    @contextmanager
    def at(self, web_port: int) -> Iterator[None]:
        self._ask_idle(web_port)
        done = threading.Event()
        worker = threading.Thread(target=self._run, args=(web_port, done), name="scraper")
        worker.start()
        try:
            yield
        finally:
            done.set()
            worker.join()

    def _run(self, web_port: int, done: threading.Event) -> None:
        while not done.wait(self._every_s):
            _, ms = _page(web_port)
            self.took_ms.append(ms)

    def _ask_idle(self, web_port: int) -> None:
        page, ms = _page(web_port)
        self.first_ms.append(ms)
        began_s = _cpu_s(page)
        for _ in range(_IDLE_SCRAPES):
            page, _ = _page(web_port)
        self.idle_cpu_ms.append((_cpu_s(page) - began_s) * 1000 / _IDLE_SCRAPES)


def _page(web_port: int) -> tuple[str, float]:
    """Its text, and how many milliseconds it took."""
    began_s = time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{web_port}/metrics", timeout=30) as page:
        text = page.read().decode()
    return text, 1000 * (time.perf_counter() - began_s)


def _cpu_s(page: str) -> float:
    """The server's processor time so far, as it says itself."""
    said = [line.split()[1] for line in page.splitlines() if line.startswith(f"{_CPU} ")]
    if len(said) != 1:
        raise ours.RunFailed(f"the page says {_CPU} {len(said)} times, expected once")
    return float(said[0])


def run_pair(folder: Path, camera: Path, rows: int, scraper: Scraper, *, on_first: bool) -> Pair:
    """The same rows twice."""
    send = partial(ours.send, folder / "run", camera / "lpr_data.db", camera / "images")
    found: dict[bool, ours.Sent] = {}
    for is_on in (on_first, not on_first):
        if is_on:
            found[is_on] = send(server_settings={"SERVER_METRICS": "true"}, beside=scraper.at)
        else:
            found[is_on] = send(server_settings={"SERVER_METRICS": "false"})
        if found[is_on].rows != rows:
            raise ours.RunFailed(f"{found[is_on].rows} rows of {rows} were stored")
    return Pair(
        rate_on=rows / found[True].seconds,
        rate_off=rows / found[False].seconds,
        cpu_us_on=found[True].server_cpu_s / rows * 1e6,
        cpu_us_off=found[False].server_cpu_s / rows * 1e6,
    )


def pairs_within(
    limit_s: float, run: Callable[..., Pair], clock: Callable[[], float] = time.monotonic
) -> Iterator[Pair]:
    """Pairs whose order changes, two at least, as long as another one as slow as the slowest still
    fits into the time."""
    began_s, slowest_s, number = clock(), 0.0, 0
    while number < _LEAST_PAIRS or clock() - began_s + slowest_s <= limit_s:
        pair_began_s = clock()
        yield run(on_first=bool(number % 2))
        slowest_s, number = max(slowest_s, clock() - pair_began_s), number + 1


def meter_us(rows: Sequence[AcceptedRow]) -> float:
    """Microseconds that the meter takes of a row, in groups as large as the writer makes them."""
    group = rows[:GROUP_ROWS]
    took = []
    for _ in range(_METER_ROUNDS):
        meter = IngestMeter()
        began_s = time.perf_counter()
        meter.committed(len(group), group, seconds=0.01)
        meter.waited(0.02, rows=len(group))
        took.append(time.perf_counter() - began_s)
    return statistics.median(took) / len(group) * 1e6


def share_of(ratios: Sequence[float], seed: int = 1) -> Share:
    """The percentile bootstrap of the median (Efron and Tibshirani, 1993, chapter 13)."""
    chance = random.Random(seed)
    medians = sorted(
        statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(_RESAMPLES)
    )
    return Share(
        median=statistics.median(ratios),
        low=medians[int(0.025 * _RESAMPLES)],
        high=medians[int(0.975 * _RESAMPLES) - 1],
    )


def outcome_of(rows: int, pairs: Sequence[Pair], meter: float, scraper: Scraper) -> Outcome:
    return Outcome(
        rows=rows,
        pairs=len(pairs),
        rate=share_of([pair.rate_on / pair.rate_off for pair in pairs]),
        cpu=share_of([pair.cpu_us_on / pair.cpu_us_off for pair in pairs]),
        rows_per_s_on=statistics.median(pair.rate_on for pair in pairs),
        rows_per_s_off=statistics.median(pair.rate_off for pair in pairs),
        cpu_us_off=statistics.median(pair.cpu_us_off for pair in pairs),
        meter_us=meter,
        scrapes=len(scraper.took_ms),
        scrape_ms=_median(scraper.took_ms),
        scrape_cpu_ms=_median(scraper.idle_cpu_ms),
        first_scrape_ms=_median(scraper.first_ms),
    )


def _median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else 0.0


def _table(outcome: Outcome, every_s: float) -> Table:
    def said(share: Share) -> str:
        return f"{share.median:.3f} ({share.low:.3f} to {share.high:.3f})"

    table = Table("", "", title=f"{outcome.rows} rows, {outcome.pairs} pairs", show_header=False)
    on, off = outcome.rows_per_s_on, outcome.rows_per_s_off
    table.add_row("rows a second, on and off", f"{on:,.0f} and {off:,.0f}")
    table.add_row("rows a second, on to off", said(outcome.rate))
    table.add_row("server's processor time, on to off", said(outcome.cpu))
    table.add_row(
        "the meter alone",
        f"{outcome.meter_us:.3f} us of {outcome.cpu_us_off:.1f} us a row: "
        f"{outcome.meter_share:.2%}",
    )
    table.add_row("scrapes", f"{outcome.scrapes}, {outcome.scrape_ms:.0f} ms each (median)")
    table.add_row("the first of a program", f"{outcome.first_scrape_ms:.0f} ms, before rows came")
    table.add_row(
        "processor time of a scrape",
        f"{outcome.scrape_cpu_ms:.1f} ms: one every {every_s:g} s takes "
        f"{outcome.scrape_share(every_s):.2%} of what rows take of a full server",
    )
    return table


def main(
    rows: Annotated[int, typer.Option(min=100, help="Rows of a run, without pictures.")] = 20_000,
    pairs: Annotated[int, typer.Option(min=2, help="Runs with metrics and without.")] = 10,
    minutes: Annotated[
        float, typer.Option(min=0, help="As many pairs as fit into so long; 0: --pairs.")
    ] = 0.0,
    every_s: Annotated[float, typer.Option(min=0.1, help="Seconds between scrapes.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same rows.")] = 1,
    folder: Annotated[Path, typer.Option(help="On the disk to measure.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure what metrics cost the ingest."""
    machine = machine_of(folder)
    scraper = Scraper(every_s)
    with (
        tempfile.TemporaryDirectory(prefix="sightpost-metrics-", dir=folder.absolute()) as made,
        Progress(console=Console(stderr=True)) as progress,
    ):
        place = Path(made)
        camera = place / "camera"
        fill(
            camera / "lpr_data.db",
            camera / "images",
            Traffic(rows=rows, with_pictures=False, seed=seed),
        )
        encoded = limit.encoded_rows(camera / "lpr_data.db", camera / "images")
        accepted = [limit.accepted_row(content) for content in encoded[:GROUP_ROWS]]
        run = partial(run_pair, place, camera, rows, scraper)
        if minutes:
            found = list(pairs_within(minutes * 60, run))
        else:
            numbers = progress.track(range(pairs), description="sending")
            found = [run(on_first=bool(number % 2)) for number in numbers]
        outcome = outcome_of(rows, found, meter_us(accepted), scraper)
    if as_json:
        print(json.dumps({"machine": asdict(machine), "outcome": asdict(outcome)}))
        return
    console = Console(width=110)
    console.print(
        f"{machine.processor}, {machine.cores} cores, Python {machine.python}, "
        f"{machine.measured_at}; a scrape every {every_s:g} s"
    )
    console.print(_table(outcome, every_s))


if __name__ == "__main__":
    typer.run(main)

"""Measures the server's index of faces, and libraries that could do the same:
`python -m benchmarks.face_search`.

Galleries are drawn as identities: a direction each, and pictures that are spread around it. Queries
are new draws of known identities, and strangers. Each case runs in a process of its own, so that
its memory can be told; it holds the index and a piece of the gallery, never all of it (but numpy,
whose index that is). What is right is worked out apart, piece by piece, with numpy. Graphs are
built on --build-threads, and everything is searched on one core. How far it is goes to stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.face_indexes import LIBRARIES, AskedTogether, Filed, Searched, Vectors

PICTURES_EACH = 4
"""Pictures of one identity in the gallery."""

SPREAD = 0.8
"""Length of the noise against the direction's: two draws of one identity have a cosine of
1 / (1 + 0.64) = 0.61 on average, as two photographs of one person have (docs/measurements.md)."""

ACCEPT = 0.45
"""A stranger whose best cosine reaches it counts as a false accept."""

TOGETHER = 32
"""Questions that are asked at once, where that can be done: as many as the server searches for."""

PIECE = 20_000
"""Vectors drawn, compared and added at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One library with a gallery of so many vectors of so many numbers."""

    library: str
    vectors: int
    numbers: int
    queries: int
    exact_queries: int
    build_threads: int = 1
    expansion: int = 128
    seed: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Shares are 0..1 of the queries; times of one query on one thread, `p99_cpu_ms` of the
    processor, which says more on a machine that has other work, `together_ms` of one of TOGETHER at
    once; memory of the index. None: the exact one has no recall, what keeps no file is built at
    each start, and some take one question at a time."""

    library: str
    vectors: int
    numbers: int
    recall: float | None
    right: float
    false_accepts: float
    p50_ms: float
    p99_ms: float
    p99_cpu_ms: float
    together_ms: float | None
    memory_mb: float
    file_mb: float | None
    build_s: float
    build_threads: int
    load_s: float | None
    case_s: float


def directions(count: int, numbers: int, random: np.random.Generator) -> Vectors:
    """So many unit vectors, in all directions alike."""
    drawn = random.standard_normal((count, numbers), dtype=np.float32)
    unit: Vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def draws(identities: Vectors, random: np.random.Generator) -> Vectors:
    """A picture of each: its direction with noise of length SPREAD on average, made a unit."""
    noise = random.standard_normal(identities.shape, dtype=np.float32)
    drawn = identities + noise * np.float32(SPREAD / np.sqrt(identities.shape[1]))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """Draws of the identities `asked`, and strangers."""

    asked: NDArray[np.int64]
    known: Vectors
    strangers: Vectors


def questions_of(case: Case, identities: Vectors) -> Questions:
    """Other draws than the gallery's."""
    random = np.random.default_rng(case.seed + 1)
    asked = random.integers(0, len(identities), case.queries)
    return Questions(
        asked=asked,
        known=draws(identities[asked], random),
        strangers=directions(case.queries, case.numbers, random),
    )


def pieces(case: Case, identities: Vectors) -> Iterator[Vectors]:
    """The gallery: of all identities one picture each, PICTURES_EACH times over."""
    random = np.random.default_rng(case.seed + 2)
    for _ in range(PICTURES_EACH):
        for start in range(0, len(identities), PIECE):
            yield draws(identities[start : start + PIECE], random)


@dataclass(slots=True)
class Truth:
    """The nearest of all vectors so far to each query."""

    queries: Vectors
    keys: NDArray[np.int64]
    cosines: Vectors
    seen: int = 0

    def look_at(self, vectors: Vectors) -> None:
        cosines = vectors @ self.queries.T
        best = cosines.argmax(axis=0)
        values = cosines[best, np.arange(len(best))]
        is_better = values > self.cosines
        self.keys[is_better] = best[is_better] + self.seen
        self.cosines[is_better] = values[is_better]
        self.seen += len(vectors)


def measure(case: Case) -> Result:
    """One case, in this process."""
    began_s = time.perf_counter()
    random = np.random.default_rng(case.seed)
    identities = directions(case.vectors // PICTURES_EACH, case.numbers, random)
    questions = questions_of(case, identities)
    count = min(case.exact_queries, case.queries)
    truth = Truth(
        questions.known[:count],
        np.zeros(count, np.int64),
        np.full(count, -2.0, np.float32),
    )
    before = psutil.Process().memory_info().rss
    index = LIBRARIES[case.library](case.numbers, len(identities) * PICTURES_EACH, case.expansion)
    build_s = 0.0
    for piece in pieces(case, identities):
        truth.look_at(piece)
        build_s += _seconds(partial(index.add, piece, case.build_threads))
        _say(case, f"{truth.seen:,} added, {build_s:.0f} s of building")
    memory = psutil.Process().memory_info().rss - before
    with on_one_core():
        found, known_times = _ask(index, questions.known)
        unknown, stranger_times = _ask(index, questions.strangers)
        together_ms = _together_ms(index, np.concatenate([questions.known, questions.strangers]))
    by_clock, by_processor = zip(*known_times, *stranger_times, strict=True)
    times, cpu_times = sorted(by_clock), sorted(by_processor)
    p99 = int(len(times) * 0.99)
    _say(case, f"asked, p99 {times[p99] * 1000:.2f} ms")
    size, load_s = _kept(index, case) if isinstance(index, Filed) else (None, None)
    del index
    accepted = cosines_with(case, identities, unknown, questions.strangers) >= ACCEPT
    hits = [key == best for key, best in zip(found, truth.keys, strict=False)]
    right = [key % len(identities) == who for key, who in zip(found, questions.asked, strict=True)]
    return Result(
        library=case.library,
        vectors=case.vectors,
        numbers=case.numbers,
        recall=None if case.library == "numpy" else float(np.mean(hits)),
        right=float(np.mean(right)),
        false_accepts=float(np.mean(accepted)),
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[p99] * 1000,
        p99_cpu_ms=cpu_times[p99] * 1000,
        together_ms=together_ms,
        memory_mb=memory / 1e6,
        file_mb=None if size is None else size / 1e6,
        build_s=build_s,
        build_threads=case.build_threads,
        load_s=load_s,
        case_s=time.perf_counter() - began_s,
    )


def cosines_with(
    case: Case, identities: Vectors, keys: NDArray[np.int64], queries: Vectors
) -> Vectors:
    """Of each query with the vector that was found for it: drawn again, whatever an index holds."""
    cosines = np.full(len(keys), -2.0, np.float32)
    start = 0
    for piece in pieces(case, identities):
        here = np.flatnonzero((keys >= start) & (keys < start + len(piece)))
        cosines[here] = np.einsum("ij,ij->i", piece[keys[here] - start], queries[here])
        start += len(piece)
    return cosines


def _kept(index: Filed, case: Case) -> tuple[int, float]:
    """The size of its file, and the seconds in which another one loads it."""
    other = LIBRARIES[case.library](case.numbers, 0, case.expansion)
    assert isinstance(other, Filed)  # noqa: S101 - as the first
    with tempfile.TemporaryDirectory(dir=".") as folder:
        path = Path(folder) / "index"
        index.save(path)
        return path.stat().st_size, _seconds(partial(other.load, path))


@contextlib.contextmanager
def on_one_core() -> Iterator[None]:
    """Everything that this thread does, as if there were no other."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _say(case: Case, what: str) -> None:
    name = f"{case.library}, {case.vectors:,} x {case.numbers}"
    print(f"{name}: {what}", file=sys.stderr, flush=True)


def _ask(index: Searched, queries: Vectors) -> tuple[NDArray[np.int64], list[tuple[float, float]]]:
    """The best of each, and the seconds and seconds of the processor that it took."""
    best, times = [], []
    for query in queries:
        began_s, cpu_s = time.perf_counter(), time.thread_time()
        found = index.search(query)
        times.append((time.perf_counter() - began_s, time.thread_time() - cpu_s))
        best.append(int(found[0]))
    return np.asarray(best, np.int64), times


def _together_ms(index: Searched, queries: Vectors) -> float | None:
    """The median of groups, of one question in them."""
    if not isinstance(index, AskedTogether):
        return None
    starts = range(0, len(queries) - TOGETHER + 1, TOGETHER)
    groups = [queries[start : start + TOGETHER] for start in starts]
    times_s = [_seconds(partial(index.search_each, group)) for group in groups]
    return statistics.median(times_s) * 1000 / TOGETHER if times_s else None


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def in_own_process(case: Case) -> Result:
    """`measure` in a fresh interpreter with one thread for numpy's sums; it says how far it is."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.face_search", "--case", json.dumps(asdict(case))],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    return Result(**json.loads(run.stdout))


def _table(results: Sequence[Result]) -> Table:
    columns = (
        "library", "vectors", "numbers", "recall@1", "right person", "false accepts", "p50", "p99",
        "p99 of the processor", f"each of {TOGETHER}", "memory", "file", "build", "load", "case",
    )  # fmt: skip
    table = Table(title=f"faces found among enrolled ones; spread {SPREAD}, accept at {ACCEPT}")
    for column in columns:
        table.add_column(column, justify="left" if column == "library" else "right")
    for one in results:
        table.add_row(
            one.library,
            f"{one.vectors:,}",
            str(one.numbers),
            "" if one.recall is None else f"{one.recall:.4f}",
            f"{one.right:.4f}",
            f"{one.false_accepts:.4f}",
            f"{one.p50_ms:.2f} ms",
            f"{one.p99_ms:.2f} ms",
            f"{one.p99_cpu_ms:.2f} ms",
            "" if one.together_ms is None else f"{one.together_ms:.2f} ms",
            f"{one.memory_mb:,.0f} MB",
            "" if one.file_mb is None else f"{one.file_mb:,.0f} MB",
            f"{one.build_s:.1f} s on {one.build_threads}",
            "" if one.load_s is None else f"{one.load_s:.2f} s",
            f"{one.case_s:.0f} s",
        )
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.face_search", description=__doc__)
    parser.add_argument("--vectors", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--numbers", type=int, nargs="+", default=[128, 512])
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=["server"])
    parser.add_argument("--queries", type=int, default=1000, help="of each kind")
    parser.add_argument("--exact-queries", type=int, default=1000, help="compared with exact ones")
    parser.add_argument(
        "--build-threads", type=int, default=len(os.sched_getaffinity(0)), help="of the graphs"
    )
    parser.add_argument("--expansion", type=int, default=128, help="of a search (ef)")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each row")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.case:
        print(json.dumps(asdict(measure(Case(**json.loads(options.case))))))
        return
    results = []
    for vectors in options.vectors:
        for numbers in options.numbers:
            for library in options.libraries:
                case = Case(
                    library=library,
                    vectors=vectors,
                    numbers=numbers,
                    queries=options.queries,
                    exact_queries=options.exact_queries,
                    build_threads=options.build_threads,
                    expansion=options.expansion,
                )
                results.append(in_own_process(case))
                if options.json:
                    print(json.dumps(asdict(results[-1])), flush=True)
    if not options.json:
        Console(width=170).print(_table(results))


if __name__ == "__main__":
    main()

"""Measures pgvector against the server's own index: `python -m benchmarks.face_search_pgvector`.

The galleries and questions of `benchmarks.face_search`, in a PostgreSQL of its own, asked as the
server asks it: a statement on one connection that is open already. The same gallery is in the index
that each process has in its memory, for comparison side by side. Processor time is that of who
searches: the session's process in PostgreSQL, or this one. How far it is goes to stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import struct
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.face_indexes import MOST, Vectors
from benchmarks.face_search import (
    PICTURES_EACH,
    Case,
    Questions,
    Truth,
    directions,
    pieces,
    questions_of,
)
from benchmarks.local_postgres import local_postgres
from server.faces.index import FaceIndex

OPTIONS: Final = ("shared_buffers=512MB", "maintenance_work_mem=1GB", "max_wal_size=4GB")
GRAPH: Final = "WITH (m = 16, ef_construction = 128)"
RERANKED: Final = 20
"""So many times as many candidates of a graph of bits are compared exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An index, and how it is asked; `most` is how many candidates the graph has to give."""

    name: str
    index: str
    query: str
    most: int = MOST


def engines_of(numbers: int) -> tuple[Engine, ...]:
    near = f"SELECT id FROM faces ORDER BY {{column}} <#> {{asked}} LIMIT {MOST}"  # noqa: S608 (our own names)
    half = f"vector::halfvec({numbers})"
    bits = f"binary_quantize(vector)::bit({numbers})"
    asked_bits = f"binary_quantize($1::vector)::bit({numbers})"
    many = MOST * RERANKED
    return (
        Engine(
            name="vector",
            index=f"USING hnsw (vector vector_ip_ops) {GRAPH}",
            query=near.format(column="vector", asked="$1::vector"),
        ),
        Engine(
            name="halfvec",
            index=f"USING hnsw (({half}) halfvec_ip_ops) {GRAPH}",
            query=near.format(column=half, asked=f"$1::vector::halfvec({numbers})"),
        ),
        Engine(
            name=f"bit, {many} of them compared",
            index=f"USING hnsw (({bits}) bit_hamming_ops) {GRAPH}",
            query=f"SELECT id FROM (SELECT id, vector FROM faces ORDER BY {bits} <~> {asked_bits} "  # noqa: S608 (our own names)
            f"LIMIT {many}) AS near ORDER BY vector <#> $1::vector LIMIT {MOST}",
            most=many,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Of one way to search: shares, 0..1 of the questions about known people; times of one."""

    name: str
    expansion: int | None
    recall: float
    right: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    build_s: float
    index_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked, and what is right."""

    truth: Truth
    questions: Questions
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The best of each question, how long each took, and what all of them cost."""

    found: Sequence[int]
    times_s: Sequence[float]
    cpu_s: float


def row_of(
    name: str,
    expansion: int | None,
    answers: Answers,
    asked: Asked,
    *,
    build_s: float,
    index_mb: float,
) -> Row:
    found, ordered = np.asarray(answers.found), sorted(answers.times_s)
    return Row(
        name=name,
        expansion=expansion,
        recall=float(np.mean(found == asked.truth.keys)),
        right=float(np.mean(found % asked.people == asked.questions.asked)),
        p50_ms=ordered[len(ordered) // 2] * 1000,
        p99_ms=ordered[int(len(ordered) * 0.99)] * 1000,
        cpu_ms=answers.cpu_s / len(found) * 1000,
        build_s=build_s,
        index_mb=index_mb,
    )


def bytes_of(vector: Vectors) -> bytes:
    """As pgvector sends and takes it: its length, nothing, numbers (vector_recv)."""
    return struct.pack(">HH", len(vector), 0) + vector.astype(">f4").tobytes()


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url, command_timeout=7200)
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        await connection.set_type_codec("vector", encoder=bytes_of, decoder=bytes, format="binary")
        yield connection
    finally:
        await connection.close()


async def measure(case: Case, expansions: Sequence[int], url: str) -> list[Row]:
    identities = directions(
        case.vectors // PICTURES_EACH, case.numbers, np.random.default_rng(case.seed)
    )
    questions = questions_of(case, identities)
    truth = Truth(
        questions.known, np.zeros(case.queries, np.int64), np.full(case.queries, -2.0, np.float32)
    )
    asked = Asked(truth=truth, questions=questions, people=len(identities))
    ours, build_s = FaceIndex(case.numbers), 0.0
    async with opened(url) as connection:
        await connection.execute(
            f"CREATE UNLOGGED TABLE faces (id BIGINT, vector vector({case.numbers}))"
        )
        for piece in pieces(case, identities):
            keys = np.arange(truth.seen, truth.seen + len(piece), dtype=np.uint64)
            began_s = time.perf_counter()
            ours.add(keys, keys.astype(np.int64), piece)
            build_s += time.perf_counter() - began_s
            records = zip(keys.tolist(), piece, strict=True)
            await connection.copy_records_to_table("faces", records=records)
            truth.look_at(piece)
            _say(f"{truth.seen:,} vectors")
        await connection.execute("ANALYZE faces")
        answers = _searched(ours, questions.known)
        name = "the server's own, in memory"
        rows = [row_of(name, None, answers, asked, build_s=build_s, index_mb=0.0)]
        for engine in engines_of(case.numbers):
            rows += await _measured(connection, engine, expansions, asked, case.build_threads)
    return rows


def _searched(index: FaceIndex, queries: Vectors) -> Answers:
    index.search(queries[:1], MOST)
    found, times_s = [], []
    before_s = time.process_time()
    for query in queries:
        began_s = time.perf_counter()
        (keys,) = index.search(query[np.newaxis], MOST)
        times_s.append(time.perf_counter() - began_s)
        found.append(int(keys[0]))
    return Answers(found=found, times_s=times_s, cpu_s=time.process_time() - before_s)


async def _measured(
    connection: asyncpg.Connection[Any],
    engine: Engine,
    expansions: Sequence[int],
    asked: Asked,
    threads: int,
) -> list[Row]:
    began_s = time.perf_counter()
    await connection.execute(f"SET max_parallel_maintenance_workers = {threads - 1}")
    await connection.execute(f"CREATE INDEX near ON faces {engine.index}")
    build_s = time.perf_counter() - began_s
    index_mb = await connection.fetchval("SELECT pg_relation_size('near')") / 1e6
    _say(f"{engine.name}: built in {build_s:.0f} s")
    rows = []
    for expansion in expansions:
        await connection.execute(f"SET hnsw.ef_search = {max(expansion, engine.most)}")
        answers = await _asked(connection, engine, asked.questions.known)
        rows.append(
            row_of(engine.name, expansion, answers, asked, build_s=build_s, index_mb=index_mb)
        )
    await connection.execute("DROP INDEX near")
    return rows


async def _asked(connection: asyncpg.Connection[Any], engine: Engine, queries: Vectors) -> Answers:
    session = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()"))
    await connection.execute("SET enable_seqscan = off")
    statement = await connection.prepare(engine.query)
    await statement.fetch(queries[0])  # the first reads the index from the disk
    found, times_s = [], []
    before_s = sum(session.cpu_times()[:2])
    for query in queries:
        began_s = time.perf_counter()
        answer = await statement.fetch(query)
        times_s.append(time.perf_counter() - began_s)
        found.append(int(answer[0][0]))
    return Answers(found=found, times_s=times_s, cpu_s=sum(session.cpu_times()[:2]) - before_s)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def table_of(rows: Sequence[Row], title: str) -> Table:
    table = Table(title=title)
    for column in (
        "index",
        "ef",
        "recall@1",
        "right person",
        "p50",
        "p99",
        "processor",
        "built",
        "size",
    ):
        table.add_column(column, justify="left" if column == "index" else "right")
    for row in rows:
        table.add_row(
            row.name,
            "" if row.expansion is None else str(row.expansion),
            f"{row.recall:.4f}",
            f"{row.right:.4f}",
            f"{row.p50_ms:.2f} ms",
            f"{row.p99_ms:.2f} ms",
            f"{row.cpu_ms:.2f} ms",
            f"{row.build_s:.1f} s",
            f"{row.index_mb:,.0f} MB" if row.index_mb else "",
        )
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.face_search_pgvector", description=__doc__
    )
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--numbers", type=int, default=128)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--build-threads", type=int, default=2)
    parser.add_argument("--expansion", type=int, nargs="+", default=[128, 400], help="ef")
    options = parser.parse_args(arguments)
    case = Case(
        library="",
        vectors=options.vectors,
        numbers=options.numbers,
        queries=options.queries,
        exact_queries=options.queries,
        build_threads=options.build_threads,
    )
    with local_postgres(options=OPTIONS) as server:
        rows = asyncio.run(measure(case, options.expansion, server.url()))
    title = f"{case.vectors:,} vectors of {case.numbers} numbers"
    Console(width=120).print(table_of(rows, title))


if __name__ == "__main__":
    main()

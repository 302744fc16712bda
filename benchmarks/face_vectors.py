"""Asks a server by vector, over HTTP, whom a gallery of drawn identities holds: how many answers a
second, and is each what it is when nothing else is asked?
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich.table import Table

from benchmarks.drawn_gallery import GALLERY_SEED, filled, gallery_model
from benchmarks.face_search import PICTURES_EACH, directions, draws
from benchmarks.http_clients import percentiles_ms, post
from benchmarks.lean_clients import Answer, ask_again, ask_each, wait_until_ready
from benchmarks.server_process import ServerProcess
from server.faces.keeping import ModelKey
from vision.faces.embedding import embedding_label

SAMPLES: Final = 2000
"""Different vectors to ask for, half of them of strangers."""
SEARCH: Final = "/api/v1/faces/search"
READY_S: Final = 300.0
"""For a server to build its index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorResult:
    """Of questions by vector. Each was asked once before, which says how many were answered rightly
    (`right_person`, 0..1); `wrong` answers under load differed from those. Server and clients share
    `cores`; `cpu_ms` is the server's processor time for an answer, `client_cpu_ms` the clients'."""

    clients: int
    enrolled: int
    cores: int
    seconds: float
    answers_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    statuses: dict[int, int]
    wrong: int
    lost: int
    right_person: float
    cpu_ms: float
    client_cpu_ms: float


def measure_vectors(
    folder: Path, models: Path, *, enrolled: int, clients: int, seconds: float
) -> VectorResult:
    """`SEARCH` among drawn identities: new draws of half as many, and strangers."""
    key = gallery_model(models)
    persons = enrolled // PICTURES_EACH
    began_s = time.perf_counter()
    filled(folder / "server.db", key, persons).close()
    _say(f"{enrolled:,} vectors enrolled in {time.perf_counter() - began_s:.0f} s")
    asked, requests = vector_requests(key, persons)
    environ = {"SERVER_MODELS_DIR": str(models.resolve()), "SERVER_PAGES": "false"}
    with ServerProcess(folder, environ) as server:
        wait_until_ready(server.web_port, requests[0], seconds=READY_S)
        answers = ask_each(server.web_port, requests)
        rightly = sum(map(is_right, answers, asked))
        _say(f"{rightly} of {len(answers)} answered rightly one after the other")
        before_s = server.cost().cpu_s
        told = ask_again(
            server.web_port,
            requests,
            [each.body for each in answers],
            clients=clients,
            seconds=seconds,
        )
        used_s = server.cost().cpu_s - before_s
    p50_ms, p95_ms, p99_ms = percentiles_ms(told.times_s)
    return VectorResult(
        clients=clients,
        enrolled=enrolled,
        cores=len(os.sched_getaffinity(0)),
        seconds=told.took_s,
        answers_per_s=told.statuses[200] / told.took_s,
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        statuses=dict(told.statuses),
        wrong=told.wrong,
        lost=told.lost,
        right_person=rightly / len(answers),
        cpu_ms=1000 * used_s / max(1, told.statuses[200]),
        client_cpu_ms=1000 * told.own_cpu_s / max(1, told.statuses[200]),
    )


def vector_requests(key: ModelKey, persons: int) -> tuple[list[int | None], list[bytes]]:
    """Whom each asks for (None: a stranger), and the requests."""
    identities = directions(persons, key.numbers, np.random.default_rng(GALLERY_SEED))
    random = np.random.default_rng(GALLERY_SEED + 1)
    known = random.integers(0, persons, SAMPLES // 2)
    vectors = np.concatenate(
        [draws(identities[known], random), directions(SAMPLES // 2, key.numbers, random)]
    )
    whose: list[int | None] = [*(int(number) + 1 for number in known), *([None] * (SAMPLES // 2))]
    label = embedding_label(key.name, key.version)
    mixed = random.permutation(len(vectors))
    bodies = [
        json.dumps({"vector": [round(float(each), 6) for each in vectors[n]], "model": label})
        for n in mixed
    ]
    requests = [post(SEARCH, body.encode(), "application/json") for body in bodies]
    return [whose[number] for number in mixed], requests


def is_right(answer: Answer, whose: int | None) -> bool:
    """The person, or that it is nobody who is enrolled."""
    if answer.status != 200:
        return False
    told = json.loads(answer.body)
    if whose is None:
        return bool(told["outcome"] == "unknown")
    best = told["likenesses"][0]["person"]["class_id"]
    return bool(told["outcome"] == "known" and best == whose)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def vector_table(one: VectorResult) -> Table:
    """For people."""
    table = Table("what", "value")
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(one.statuses.items()))
    asked = f"{SEARCH}, {one.enrolled:,} enrolled, {one.clients} clients, {one.seconds:.0f} s"
    for row in (
        ("asked", asked),
        ("cores of server and clients together", str(one.cores)),
        ("answers", f"{answers}; {one.wrong} wrong, {one.lost} lost"),
        ("right person, or rightly nobody", f"{one.right_person:.4f}"),
        ("answers a second", f"{one.answers_per_s:.1f}"),
        ("p50, p95, p99", f"{one.p50_ms:.0f}, {one.p95_ms:.0f}, {one.p99_ms:.0f} ms"),
        ("server's processor time of an answer", f"{one.cpu_ms:.2f} ms"),
        ("the clients'", f"{one.client_cpu_ms:.3f} ms"),
    ):
        table.add_row(*row)
    return table

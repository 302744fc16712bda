"""Measures the whole face service over HTTP: `python -m benchmarks.face_load --clients 100`.

So many clients ask `/query` with real photographs, each different in its bytes, so that none is
answered from the cache; beside it, the same stages called directly in a loop on all cores say what
the machine can do. `--embeddings` asks by vector among drawn identities instead, and checks every
answer; `--cores 2` keeps server and clients together on two.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.drawn_gallery import filled, gallery_model
from benchmarks.face_search import PICTURES_EACH
from benchmarks.face_vectors import VectorResult, measure_vectors, vector_table
from benchmarks.faces import DEFAULT_FOLDER
from benchmarks.http_clients import Heard, ask_all, percentiles_ms, post
from benchmarks.machine import machine_of
from benchmarks.server_process import ServerProcess
from server.faces.calibration import calibration_of
from server.faces.contract import Upload
from server.faces.decision import decide
from server.faces.gallery import Gallery
from server.faces.looking import FaceLooker, Wanted, make_looker
from server.storage.gallery import SqliteGalleryDatabase
from vision.networks import Networks, NetworkSettings

WARMING_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Answers a second and their times, and what the same stages reached directly (None: not
    measured); `statuses` counts every answer by its HTTP status, 0 a request without one.

    `cpu_ms` is the server's processor time for an answer, `direct_cpu_ms` that of the same stages:
    on a machine that has other work their ratio says more than that of the throughputs.
    """

    asked: str
    clients: int
    seconds: float
    answers_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    statuses: dict[int, int]
    cpu_ms: float
    direct_per_s: float | None
    direct_cpu_ms: float | None
    retry_after: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the clients heard, and the server's processor time for it."""

    heard: Heard
    cpu_s: float


def photographs(folder: Path) -> list[bytes]:
    """JPEG files, in order."""
    found = [path.read_bytes() for path in sorted(folder.glob("img*.jpg"))]
    if not found:
        raise FileNotFoundError(f"no img*.jpg in {folder}")
    return found


def another(content: bytes, turn: int) -> bytes:
    """The same picture in a file of its own: what stands behind a JPEG's end is not looked at."""
    return content + turn.to_bytes(8, "big")


def query(content: bytes) -> bytes:
    """A whole request of one picture."""
    edge = "sightpost-benchmark"
    body = (
        f'--{edge}\r\ncontent-disposition: form-data; name="file"; filename="photo.jpg"\r\n'
        "content-type: image/jpeg\r\n\r\n"
    ).encode()
    whole = body + content + f"\r\n--{edge}--\r\n".encode()
    return post("/query", whole, f"multipart/form-data; boundary={edge}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """What the same stages reach in a loop on every core; processor time is of one picture."""

    per_s: float
    cpu_ms: float


def direct(models: Path, pictures: Sequence[bytes], gallery: Gallery, *, seconds: float) -> Direct:
    """Decode, detect, align, embed, cut out, search, decide."""
    cores = len(os.sched_getaffinity(0))
    networks = Networks(NetworkSettings(threads=1, models_folder=models))
    done = [0] * cores
    started = threading.Barrier(cores + 1)
    ends_s = 0.0

    def loop(number: int) -> None:
        looker = make_looker(networks, Wanted())
        _whole(looker, gallery, pictures[0])
        started.wait()
        turn = number
        while time.perf_counter() < ends_s:
            _whole(looker, gallery, pictures[turn % len(pictures)])
            done[number] += 1
            turn += cores

    threads = [threading.Thread(target=loop, args=(number,)) for number in range(cores)]
    for thread in threads:
        thread.start()
    ends_s = time.perf_counter() + seconds + 3600
    started.wait()
    begun_s, used_s = time.perf_counter(), time.process_time()
    ends_s = begun_s + seconds
    for thread in threads:
        thread.join()
    took_s, used_s = time.perf_counter() - begun_s, time.process_time() - used_s
    networks.close()
    return Direct(per_s=sum(done) / took_s, cpu_ms=1000 * used_s / max(1, sum(done)))


def _whole(looker: FaceLooker, gallery: Gallery, content: bytes) -> None:
    for face in looker.look(Upload(name="picture", content=content)).faces:
        if face.vector is not None and gallery.model is not None:
            rule = calibration_of(gallery.model.version).rule
            decide(face.vector, gallery.near(face.vector[np.newaxis])[0], rule)


def measure_pictures(options: argparse.Namespace, folder: Path) -> Result:
    """`/query`, and the same stages directly."""
    pictures = photographs(options.folder)
    key = gallery_model(options.models)
    gallery = filled(folder / "server.db", key, options.enrolled // PICTURES_EACH)
    before = direct(options.models, pictures, gallery, seconds=options.seconds / 2)
    gallery.close()
    environ = {
        "SERVER_MODELS_DIR": str(options.models.resolve()),
        "SERVER_FACE_QUEUE": str(options.queue),
        "SERVER_FACE_THREADS": "1",
        "SERVER_PAGES": "false",
    }

    def request(turn: int) -> bytes:
        return query(another(pictures[turn % len(pictures)], turn))

    heard = _heard(folder, environ, request, options)
    gallery = Gallery(SqliteGalleryDatabase(folder / "server.db"), key)
    gallery.open_index()
    after = direct(options.models, pictures, gallery, seconds=options.seconds / 2)
    gallery.close()
    return _result("/query", options.clients, heard, (before, after))


def _heard(
    folder: Path,
    environ: Mapping[str, str],
    request: Callable[[int], bytes],
    options: argparse.Namespace,
) -> Served:
    """Of a server on that folder, after its networks and index are there."""
    with ServerProcess(folder, environ) as server:
        asyncio.run(ask_all(server.web_port, request, clients=4, seconds=WARMING_S))
        before_s = server.cost().cpu_s
        heard = asyncio.run(
            ask_all(server.web_port, request, clients=options.clients, seconds=options.seconds)
        )
        return Served(heard=heard, cpu_s=server.cost().cpu_s - before_s)


def _result(asked: str, clients: int, served: Served, beside: Sequence[Direct]) -> Result:
    heard = served.heard
    p50_ms, p95_ms, p99_ms = percentiles_ms(heard.times_s)
    return Result(
        asked=asked,
        clients=clients,
        seconds=heard.took_s,
        answers_per_s=heard.statuses[200] / heard.took_s,
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        statuses=dict(heard.statuses),
        cpu_ms=1000 * served.cpu_s / max(1, heard.statuses[200]),
        direct_per_s=statistics.mean(each.per_s for each in beside) if beside else None,
        direct_cpu_ms=statistics.mean(each.cpu_ms for each in beside) if beside else None,
        retry_after=heard.has_retry_after if heard.statuses[503] else None,
    )


def _table(one: Result) -> Table:
    table = Table("what", "value")
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(one.statuses.items()))
    rows = [
        ("asked", f"{one.asked}, {one.clients} clients, {one.seconds:.0f} s"),
        ("answers", answers),
        ("answers a second", f"{one.answers_per_s:.1f}"),
        ("p50, p95, p99", f"{one.p50_ms:.0f}, {one.p95_ms:.0f}, {one.p99_ms:.0f} ms"),
        ("processor time of an answer", f"{one.cpu_ms:.1f} ms"),
    ]
    if one.direct_per_s is not None and one.direct_cpu_ms is not None:
        share = one.answers_per_s / one.direct_per_s
        rows += [
            ("the same stages directly", f"{one.direct_per_s:.1f}/s, {one.direct_cpu_ms:.1f} ms"),
            ("share of throughput", f"{share:.2f}"),
            ("share by processor time", f"{one.direct_cpu_ms / one.cpu_ms:.2f}"),
        ]
    if one.retry_after is not None:
        rows.append(("each 503 said when to come again", "yes" if one.retry_after else "no"))
    for row in rows:
        table.add_row(*row)
    return table


def _measured(options: argparse.Namespace, folder: Path) -> Result | VectorResult:
    if not options.embeddings:
        return measure_pictures(options, folder)
    return measure_vectors(
        folder,
        options.models,
        enrolled=options.enrolled,
        clients=options.clients,
        seconds=options.seconds,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.face_load", description=__doc__)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--enrolled", type=int, default=1000, help="vectors in the gallery")
    parser.add_argument("--queue", type=int, default=128, help="SERVER_FACE_QUEUE")
    parser.add_argument("--embeddings", action="store_true", help="ask by vector")
    parser.add_argument("--cores", type=int, help="run all of it on so many, default: all")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="photographs img*.jpg")
    parser.add_argument("--models", type=Path, required=True, help="folder with a models.toml")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.cores is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name).resolve()
        machine = machine_of(folder)
        result = _measured(options, folder)
    if options.json:
        print(json.dumps({**asdict(result), "machine": asdict(machine)}))
    else:
        table = vector_table(result) if isinstance(result, VectorResult) else _table(result)
        Console(width=150).print(table)


if __name__ == "__main__":
    main()

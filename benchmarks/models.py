"""Measures each model on each backend: time, memory, start: `python -m benchmarks.models`.

Each measurement has a process of its own, so that what it takes is what the model takes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import onnxruntime
import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

from vision.backends.backend import Backend
from vision.backends.providers import LIBRARY_NAMES
from vision.errors import ModelError
from vision.manifest import ModelEntry, ModelFormat
from vision.networks import Networks, NetworkSettings
from vision.pool.memory import MEGABYTE, gpu_memory_in_use_bytes

RUNTIMES = ("onnx", "opencv")
ON_CARD = "cuda"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One model on one backend; memory is what the process grew by, while loading and in all.

    On a graphics card it is what more of the card was in use; `first_ms` is there what an input of
    a new shape costs. `failure` says why there are no figures.
    """

    model: str
    backend: str
    threads: int
    input_shape: tuple[int, ...] = ()
    load_ms: float = 0.0
    first_ms: float = 0.0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    loaded_mb: float = 0.0
    run_mb: float = 0.0
    failure: str = ""


def measure(
    entry: ModelEntry, networks: Networks, *, backend: str, threads: int, side: int, runs: int
) -> Measured:
    """Load and run in this process."""
    used = gpu_memory_in_use_bytes if backend == ON_CARD else _resident_bytes
    before = used()
    started = time.perf_counter()
    network = networks.open(entry.name)
    load_ms = (time.perf_counter() - started) * 1000
    loaded = used()
    shape = shape_of(network, entry, side)
    batch = np.random.default_rng(0).uniform(entry.input.low, entry.input.high, shape)
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        network.run(batch.astype(np.float32))
        times.append((time.perf_counter() - started) * 1000)
    after = used()
    steady = sorted(times[1:])
    return Measured(
        model=entry.name,
        backend=backend if network.device in ("cpu", backend) else f"{backend} ({network.device})",
        threads=threads,
        input_shape=shape,
        load_ms=load_ms,
        first_ms=times[0],
        p50_ms=statistics.median(steady),
        p95_ms=steady[min(len(steady) - 1, int(len(steady) * 0.95))],
        loaded_mb=(loaded - before) / MEGABYTE,
        run_mb=(after - before) / MEGABYTE,
    )


def _resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def shape_of(network: Backend, entry: ModelEntry, side: int) -> tuple[int, ...]:
    """The network's input, where it is free as the manifest says, or `side` wide and 3/4 high."""
    said = (1, entry.input.channels, entry.input.height, entry.input.width)
    usual = (1, entry.input.channels, side * 3 // 4, side)
    return tuple(
        axis or of_manifest or of_camera
        for axis, of_manifest, of_camera in zip(network.input_shape, said, usual, strict=True)
    )


def _in_child(options: argparse.Namespace, name: str, backend: str, threads: int) -> Measured:
    command = [
        *(sys.executable, "-m", "benchmarks.models", "--models", str(options.models)),
        *("--runs", str(options.runs), "--side", str(options.side)),
        *("--only", name, "--backend", backend, "--threads", str(threads)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode:
        return Measured(
            model=name,
            backend=backend,
            threads=threads,
            failure=f"the measuring process ended with {done.returncode}: {done.stderr[-300:]}",
        )
    found = json.loads(done.stdout.splitlines()[-1])
    return Measured(**{**found, "input_shape": tuple(found["input_shape"])})


def _child(options: argparse.Namespace) -> Measured:
    cv2.setNumThreads(options.threads)
    runtime: Literal["onnx", "opencv"] = "opencv" if options.backend == "opencv" else "onnx"
    networks = Networks(
        NetworkSettings(
            threads=options.threads,
            runtime=runtime,
            providers=(ON_CARD if options.backend == ON_CARD else "cpu",),
            models_folder=options.models,
        )
    )
    entry = networks.entry(options.only)
    try:
        return measure(
            entry,
            networks,
            backend=options.backend,
            threads=options.threads,
            side=options.side,
            runs=options.runs,
        )
    except ModelError as error:
        return Measured(
            model=entry.name,
            backend=options.backend,
            threads=options.threads,
            failure=" ".join(str(error).split())[:400],
        )


def _backends(entry: ModelEntry) -> tuple[str, ...]:
    if entry.format is ModelFormat.HEF:
        return ("hailo",)
    has_card = LIBRARY_NAMES[ON_CARD] in onnxruntime.get_available_providers()
    return (*RUNTIMES, ON_CARD) if has_card else RUNTIMES


def _table(found: Sequence[Measured]) -> Table:
    table = Table(title="models; memory in MB, times in ms")
    for column in (
        "model", "backend", "threads", "input", "load", "first", "p50", "p95", "loaded",
        "after runs",
    ):  # fmt: skip
        is_text = column in ("model", "backend", "input")
        table.add_column(column, justify="left" if is_text else "right")
    for one in found:
        if one.failure:
            table.add_row(one.model, one.backend, str(one.threads), f"[red]{one.failure[:80]}")
            continue
        table.add_row(
            one.model,
            one.backend,
            str(one.threads),
            "x".join(map(str, one.input_shape)),
            *(f"{ms:.0f}" for ms in (one.load_ms, one.first_ms)),
            *(f"{ms:.1f}" for ms in (one.p50_ms, one.p95_ms)),
            *(f"{mb:.0f}" for mb in (one.loaded_mb, one.run_mb)),
        )
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.models", description=__doc__)
    parser.add_argument(
        "--models", type=Path, default=Path("models"), help="the folder of fetched models"
    )
    parser.add_argument("--runs", type=int, default=30, help="after the first, of each")
    parser.add_argument("--side", type=int, default=640, help="width where the network's is free")
    parser.add_argument("--only", help="one model, by name, in this process")
    parser.add_argument(
        "--backend", choices=(*RUNTIMES, ON_CARD, "hailo"), default="onnx", help="of --only"
    )
    parser.add_argument("--threads", type=int, help="of --only; left out: 1 and 2")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each row")
    options = parser.parse_args(arguments)
    if options.only:
        options.threads = options.threads or 1
        print(json.dumps(asdict(_child(options))))
        return
    networks = Networks(NetworkSettings(models_folder=options.models))
    here = [
        entry
        for entry in networks.entries()
        if entry.format is not ModelFormat.CASCADE and networks.is_here(entry.name)
    ]
    todo = [
        (entry.name, backend, threads)
        for entry in here
        for backend in _backends(entry)
        for threads in ((options.threads,) if options.threads else (1, 2))
    ]
    steps = track(todo, description="models", console=Console(stderr=True))
    found = [_in_child(options, *one) for one in steps]
    if options.json:
        for one in found:
            print(json.dumps(asdict(one)))
    else:
        Console(width=150).print(_table(found))


if __name__ == "__main__":
    main()

"""Measures the pipeline on the rendered road: `python -m benchmarks.passages`.

The real pipeline and reader on frames whose truth is known, over many seeds: how many passages are
found, read exactly, reported twice or made up, and the processor time of each stage. Rendering is
not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from multiprocessing import get_context
from typing import Any, Final

import cv2
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from agent.camera.factory import truth_of
from agent.camera.synthetic.fixtures import PARKED
from agent.camera.synthetic.settings import parse_settings
from agent.camera.synthetic.source import SyntheticSource
from agent.camera.uri import parse_source
from agent.pipeline.runner import Pipeline
from agent.pipeline.settings import PipelineSettings
from agent.pipeline.sighting import PlateSighting
from benchmarks.passage_score import Score, Seen, score
from benchmarks.plate_scores import rate
from telemetry.logging import configure_logging
from vision.networks import Networks, NetworkSettings
from vision.performance import Performance
from vision.plates.reader import EmbeddedPlateReader

LIGHTS: Final = {"day": "0", "night": "1", "mixed": "mix"}
SCENES: Final = {
    "flow": "",
    "pairs": "&traffic=pairs",
    "halts": "&traffic=halts&halt=8",
    "back soon": "&traffic=returns&away=10",
    "back later": "&traffic=returns&away=45",
    "texts": "&scenery=overlay,sign,parked",
}
"""What `synthetic:` is asked for beside seed and light; its README says what that shows."""

EMPTY_ROAD: Final = "synthetic:?vehicles=0&seconds={seconds}&night={night}"
TEXTS: Final = "&scenery=overlay,sign,parked"
STATIC_MINUTES: Final = 5.0
FPS: Final = 10
EMPTY: Final = ("static", "empty")
AIMS: Final = {"found": 0.98, "exact by day": 0.97, "duplicated": 0.005, "static": 0.05}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of the source."""

    scene: str
    light: str
    address: str
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came out of one or more runs. `looks` by the reader are counted by their kind, `runs`
    by network; `stage_ms` is processor time, summed."""

    score: Score = field(default_factory=Score)
    frames: int = 0
    looks: dict[str, int] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    stage_ms: dict[str, float] = field(default_factory=dict)

    def plus(self, other: Run) -> Run:
        return Run(
            score=self.score.plus(other.score),
            frames=self.frames + other.frames,
            looks=_added(self.looks, other.looks),
            runs=_added(self.runs, other.runs),
            stage_ms=_added(self.stage_ms, other.stage_ms),
        )

    @property
    def ms_a_frame(self) -> float:
        return self.stage_ms.get("frame", 0.0) / max(1, self.frames)


def _added(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}


def _log_warnings() -> None:
    configure_logging(file=None, level="warning", to_stderr=True)


def watch(job: Job) -> Run:
    """The whole pipeline over one run of the source, against its truth."""
    cv2.setNumThreads(job.threads)
    source = SyntheticSource(parse_settings(dict(parse_source(job.address).parameters)))
    settings = PipelineSettings()
    performance = Performance(time.process_time)
    networks = Networks(NetworkSettings(threads=job.threads), performance=performance)
    pipeline = Pipeline(
        reader=EmbeddedPlateReader(networks=networks),
        settings=settings,
        performance=performance,
        clock=time.process_time,
    )
    seen: list[Seen] = []
    numbers: dict[datetime, int] = {}
    with source:
        while (frame := source.read(60.0)) is not None:
            numbers[frame.captured_at] = frame.number
            seen += [
                Seen(
                    plate=sighting.plate,
                    frame=numbers[sighting.captured_at],
                    direction=sighting.direction,
                )
                for sighting in (*pipeline.process(frame), *_rest(pipeline, source, frame.number))
                if isinstance(sighting, PlateSighting)
            ]
    stats = pipeline.stats
    return Run(
        score=score(
            truth_of(job.address),
            seen,
            cooldown_frames=settings.rules.cooldown_s * FPS,
            once=(PARKED.text,),
        ),
        frames=stats.frames,
        looks={name: figures.count for name, figures in stats.methods.items()},
        runs={name: figures.count for name, figures in stats.models.items()},
        # What the reader says of its parts ("read.detect") is no processor time.
        stage_ms={
            name: stage.count * stage.mean_ms
            for name, stage in stats.stages.items()
            if "." not in name
        },
    )


def _rest(pipeline: Pipeline, source: SyntheticSource, number: int) -> Sequence[object]:
    """What was still going on when the last frame had passed."""
    return pipeline.finish() if number + 1 == source.total_frames else ()


def jobs(options: argparse.Namespace) -> Iterator[Job]:
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for scene in options.scenes:
            for light in options.lights:
                address = (
                    f"synthetic:?vehicles={options.vehicles}&seed={seed}"
                    f"&night={LIGHTS[light]}{SCENES[scene]}"
                )
                yield Job(scene=scene, light=light, address=address, threads=options.threads)
    if options.empty_minutes:
        for scene, light, minutes, more in (
            ("static", "day", min(STATIC_MINUTES, options.empty_minutes), ""),
            ("empty", "mixed", options.empty_minutes, TEXTS),
        ):
            address = EMPTY_ROAD.format(seconds=round(minutes * 60), night=LIGHTS[light]) + more
            yield Job(scene=scene, light=light, address=address, threads=options.threads)


def run_all(wanted: Sequence[Job], processes: int) -> dict[tuple[str, str], Run]:
    """Every job, as many at a time as there are processes; sums by scene and light."""
    sums = {(job.scene, job.light): Run() for job in wanted}
    with (
        Progress(console=Console(stderr=True)) as progress,
        ProcessPoolExecutor(
            processes, mp_context=get_context("spawn"), initializer=_log_warnings
        ) as pool,
    ):
        bar = progress.add_task("passages", total=len(wanted))
        running = {pool.submit(watch, job): job for job in wanted}
        for done in as_completed(running):
            key = running[done].scene, running[done].light
            sums[key] = sums[key].plus(done.result())
            progress.advance(bar)
    return sums


def verdict(sums: dict[tuple[str, str], Run]) -> list[str]:
    """The aims that were missed; counts of all scenes together, `exact` of those by day."""
    road = _sum(run for (scene, _), run in sums.items() if scene not in EMPTY).score
    day = _sum(run for (_, light), run in sums.items() if light == "day").score
    missed = []
    if road.found < AIMS["found"] * road.passages:
        missed.append(f"found {road.found} of {road.passages}, the aim is {AIMS['found']:.0%}")
    if day.exact < AIMS["exact by day"] * day.passages:
        aim = f"{AIMS['exact by day']:.0%}"
        missed.append(f"exact by day {day.exact} of {day.passages}, the aim is {aim}")
    if road.duplicated > AIMS["duplicated"] * road.passages:
        aim = f"{AIMS['duplicated']:.1%}"
        missed.append(f"duplicated {road.duplicated} of {road.passages}, the aim is at most {aim}")
    false = sum(run.score.false for (scene, _), run in sums.items() if scene in EMPTY)
    if false:
        missed.append(f"{false} false sightings of the empty road, the aim is none")
    for (scene, _), run in sums.items():
        if scene == "static" and run.ms_a_frame * FPS / 1000 > AIMS["static"]:
            share = f"{run.ms_a_frame * FPS / 1000:.1%}"
            missed.append(f"a static scene took {share} of a core, the aim is {AIMS['static']:.0%}")
    return missed


def _sum(runs: Iterator[Run]) -> Run:
    total = Run()
    for run in runs:
        total = total.plus(run)
    return total


def report(sums: dict[tuple[str, str], Run]) -> dict[str, Any]:
    """As JSON: for each scene and light the counts, shares with their intervals, and times."""
    rows = []
    for (scene, light), run in sums.items():
        counts = asdict(replace(run.score, wrong=()))
        del counts["wrong"]
        shares = {
            name: asdict(rate(counts[name], run.score.passages))
            for name in ("found", "exact", "duplicated")
        }
        rows.append(
            {
                "scene": scene,
                "light": light,
                **counts,
                "shares": shares,
                "frames": run.frames,
                "looks": run.looks,
                "network_runs": run.runs,
                "cpu_ms_a_frame": {
                    name: round(ms / max(1, run.frames), 3) for name, ms in run.stage_ms.items()
                },
                "wrong": list(run.score.wrong),
            }
        )
    return {"scenes": rows, "missed_aims": verdict(sums)}


def _table(sums: dict[tuple[str, str], Run]) -> Table:
    table = Table(title=f"passages at {FPS} frames/s, 95% Wilson intervals; processor time")
    for column in (
        "scene", "light", "n", "found", "exact", "twice", "false", "turned", "looks", "runs",
        "ms a frame", "of a core",
    ):  # fmt: skip
        table.add_column(column, justify="left" if column in ("scene", "light") else "right")
    for (scene, light), run in sums.items():
        counts = run.score
        table.add_row(
            scene,
            light,
            str(counts.passages),
            _share(counts.found, counts.passages),
            _share(counts.exact, counts.passages),
            str(counts.duplicated),
            str(counts.false),
            str(counts.turned),
            _each(run.looks, counts.passages),
            _each(run.runs, counts.passages),
            f"{run.ms_a_frame:.1f}",
            f"{run.ms_a_frame * FPS / 1000:.1%}",
        )
    return table


def _share(hits: int, of: int) -> str:
    if of == 0:
        return ""
    found = rate(hits, of)
    return f"{found.share:.1%} ({found.low:.1%}-{found.high:.1%})"


def _each(counted: dict[str, int], passages: int) -> str:
    """For each passage; all of them where there is none."""
    total = sum(counted.values())
    return f"{total / passages:.1f}" if passages else str(total)


def _details(sums: dict[tuple[str, str], Run]) -> Table:
    """Where the looks, the networks' runs and the time went."""
    table = Table(title="looks and network runs for each passage; processor time, ms a frame")
    parts = ("looks", "runs", "stage_ms")
    names = {
        part: sorted({name for run in sums.values() for name in getattr(run, part)})
        for part in parts
    }
    for column in ("scene", "light", *(name for part in parts for name in names[part])):
        table.add_column(column, justify="left" if column in ("scene", "light") else "right")
    for (scene, light), run in sums.items():
        passages, frames = max(1, run.score.passages), max(1, run.frames)
        cells = [f"{run.looks.get(name, 0) / passages:.1f}" for name in names["looks"]]
        cells += [f"{run.runs.get(name, 0) / passages:.1f}" for name in names["runs"]]
        cells += [f"{run.stage_ms.get(name, 0.0) / frames:.2f}" for name in names["stage_ms"]]
        table.add_row(scene, light, *cells)
    return table


def _words(known: dict[str, str]) -> Any:
    def parse(text: str) -> list[str]:
        names = [part.strip() for part in text.split(",") if part.strip()]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
        return names

    return parse


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.passages", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds (5)")
    parser.add_argument("--first-seed", type=int, default=101, help="the first of them (101)")
    parser.add_argument("--vehicles", type=int, default=20, help="in each run (20)")
    parser.add_argument(
        "--scenes",
        type=_words(SCENES),
        default=list(SCENES),
        help=f"comma-separated, of {', '.join(SCENES)} (all)",
    )
    parser.add_argument(
        "--lights",
        type=_words(LIGHTS),
        default=["day", "night"],
        help=f"comma-separated, of {', '.join(LIGHTS)} (day,night)",
    )
    parser.add_argument(
        "--empty-minutes",
        type=float,
        default=60.0,
        help="of an empty road with an overlay, a sign and a parked car (60; 0: none)",
    )
    parser.add_argument("--threads", type=int, default=1, help="of the networks (1)")
    parser.add_argument(
        "--processes",
        type=int,
        default=max(1, (os.cpu_count() or 2) // 2),
        help="runs side by side (half of the cores)",
    )
    parser.add_argument("--wrong", action="store_true", help="list what went wrong")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exit code 1 where an aim was missed."""
    options = _parser().parse_args(arguments)
    sums = run_all(list(jobs(options)), options.processes)
    if options.json:
        print(json.dumps(report(sums)))
    else:
        console = Console(width=150)
        console.print(_table(sums))
        console.print(_details(sums))
        for (scene, light), run in sums.items() if options.wrong else ():
            for line in run.score.wrong:
                print(f"{scene} by {light}: {line}")
        for line in verdict(sums):
            print(f"missed: {line}")
    if verdict(sums):
        raise SystemExit(1)


if __name__ == "__main__":
    main()

"""Every health check once: `python -m agent check`. Asks an agent that runs, disturbs none."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text
from websockets.asyncio.client import ClientConnection

from agent.building import trial_hello, uplink_settings_of
from agent.camera.errors import SourceError
from agent.camera.factory import open_source, truth_of
from agent.clock import SystemClock
from agent.config import AgentSettings
from agent.ending import EXIT_FAILED, EXIT_OK
from agent.errors import AddressRefused
from agent.examining import database_facts, disk_facts, eviction_facts
from agent.health.accelerator import look_at_accelerator
from agent.health.asking import ask
from agent.health.delivering import LinkFacts
from agent.health.examination import Findings, examine
from agent.health.heat import look_at_heat
from agent.health.keeping import ClockFacts, DatabaseFacts
from agent.health.machine import MemoryFacts
from agent.health.models import look_at_models, try_reader
from agent.health.recognising import ModelFacts, ReaderFacts
from agent.health.result import HealthResult, Status, failed, warned, worst_of
from agent.health.system import look_at_system
from agent.health.watching import CameraFacts
from agent.lock import agent_lock_of, holder_of
from agent.outbox.inspection import Inspection, inspect, soundness_fault, write_fault
from agent.seeing import make_face_models, make_networks, make_plate_reader
from agent.uplink.dial import abort, check_address
from agent.uplink.greeting import let_in
from agent.uplink.link import LinkFailed
from agent.uplink.settings import UplinkSettings
from db.rights import Call, rights_of_master
from telemetry.processor_load import ProcessorLoad
from telemetry.version import VERSION
from vision.errors import VisionError
from vision.plates.reader import EmbeddedPlateReader
from vision.reading import Picture
from wire.v1 import Hello

ANSWER_S: Final = 15.0
"""An agent that is well answers within two; on a machine that is busy a little later."""
SOUNDNESS_S: Final = 20.0
CAMERA_S: Final = 20.0
TRIAL: Final = "synthetic:?vehicles=1&seed=1&night=0&plates=de&fps=2"
Tell = Callable[[str], None]
"""Is told what is being looked at."""
_COLOURS: Final = {Status.PASS: "green", Status.WARN: "yellow", Status.FAIL: "bold red"}


def check(settings: AgentSettings, *, as_json: bool, out: TextIO) -> int:
    """Prints every result; the exit code, 1 where any check failed."""
    console = Console(file=out)
    with Console(stderr=True).status("checking") as status:  # on a terminal alone
        running, results = _results(settings, lambda what: status.update(f"checking {what}"))
    if as_json:
        out.write(_as_json(running, results) + "\n")
    else:
        _print(console, running, results)
    return EXIT_FAILED if any(one.status is Status.FAIL for one in results) else EXIT_OK


def _results(settings: AgentSettings, tell: Tell) -> tuple[bool, tuple[HealthResult, ...]]:
    """Whether an agent runs, and every result: its own, or of a look without one."""
    holder = holder_of(agent_lock_of(settings.db_path))
    if holder is None:
        return False, (*_look(settings, tell), _not_running())
    tell("with the agent that runs")
    answer = ask(settings.db_path, timeout_s=ANSWER_S)
    if answer is not None:
        return True, answer.as_results()
    text = f"process {holder} runs and does not answer within {ANSWER_S:.0f} s"
    hung = failed("agent", f"{text}: ask again, then restart it; run this as its user or as root")
    return True, (*_look(settings, tell, is_running=True), hung)


def _not_running() -> HealthResult:
    return warned("agent", f"version {VERSION}, does not run: start it with 'python -m agent run'")


def _look(
    settings: AgentSettings, tell: Tell, *, is_running: bool = False
) -> tuple[HealthResult, ...]:
    """Every check that needs no agent; where one runs, camera and models are left to it."""
    with rights_of_master(settings.db_path, inspect.__module__) as call:
        return _looked(settings, tell, call, is_running=is_running)


def _looked(
    settings: AgentSettings, tell: Tell, call: Call, *, is_running: bool
) -> tuple[HealthResult, ...]:
    """`call` does what concerns the database, with the rights for that."""
    now = datetime.now(UTC)
    inspection = call(inspect, settings.db_path, settings.images_dir, now)
    tell("the processor")
    cpu_used_share = ProcessorLoad().percent() / 100  # before the models take their part
    system = look_at_system(settings.db_path.absolute().parent, cpu_used_share=cpu_used_share)
    with ThreadPoolExecutor(2, thread_name_prefix="check") as beside:
        # They wait most of their time, for a network and for a disk.
        linking = beside.submit(_link, settings, inspection)
        keeping = beside.submit(_database, settings, inspection, call, is_running=is_running)
        recognising = _Recognising() if is_running else _recognising(settings, tell)
        tell("the database")
        database = keeping.result()
        tell("the way to the server")
        link, offset_s = linking.result()
    findings = Findings(
        camera=recognising.camera,
        reader=recognising.reader,
        models=recognising.models,
        accelerator=look_at_accelerator(models_folder=settings.models_dir),
        database=database,
        evictions=eviction_facts(inspection),
        link=link,
        clock=ClockFacts(
            is_synchronised=SystemClock().state() == "synchronised", offset_s=offset_s
        ),
        disk=disk_facts(settings, system, inspection, _pictures_bytes(settings.images_dir)),
        memory=MemoryFacts(
            available_bytes=system.memory_available_bytes, total_bytes=system.memory_total_bytes
        ),
        cpu_used_share=system.cpu_used_share,
        heat=look_at_heat(),
    )
    return examine(findings, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recognising:
    camera: CameraFacts | None = None
    reader: ReaderFacts | None = None
    models: tuple[ModelFacts, ...] = ()


def _recognising(settings: AgentSettings, tell: Tell) -> _Recognising:
    """One after the other: each is timed."""
    tell("the camera")
    camera = _camera(settings)
    tell("the plate reader")
    reader = _reader(settings)
    tell("the models")
    models = look_at_models(models_folder=settings.models_dir, threads=settings.threads)
    return _Recognising(camera=camera, reader=reader, models=models)


def _database(
    settings: AgentSettings, inspection: Inspection, call: Call, *, is_running: bool
) -> DatabaseFacts:
    """With a search for damage, and a try whether anybody could write."""
    facts = database_facts(inspection)
    if not facts.has_begun or facts.fault is not None or is_running:
        return facts
    fault, is_through = call(soundness_fault, settings.db_path, SOUNDNESS_S)
    fault = fault or call(write_fault, settings.db_path)
    checked_at = datetime.now(UTC) if is_through and fault is None else facts.checked_at
    return DatabaseFacts(
        sqlite_version=facts.sqlite_version,
        is_older=facts.is_older,
        fault=fault,
        size_bytes=facts.size_bytes,
        log_bytes=facts.log_bytes,
        checked_at=checked_at,
        refused_rows=facts.refused_rows,
    )


def _camera(settings: AgentSettings) -> CameraFacts:
    """Opens the source and waits for one frame."""
    began_s = time.monotonic()
    limit_s = min(CAMERA_S, settings.camera_deadline_s)
    error_text: str | None = None
    age_s: float | None = None
    try:
        with open_source(settings.source) as source:
            if source.read(limit_s) is not None:
                age_s = 0.0
    except SourceError as error:
        error_text = str(error)
    waited_s = time.monotonic() - began_s
    has_failed = age_s is None
    return CameraFacts(
        frame_age_s=age_s,
        watched_s=max(waited_s, limit_s + 1) if has_failed else waited_s,
        deadline_s=limit_s,
        last_error=error_text,
    )


def _reader(settings: AgentSettings) -> ReaderFacts:
    """Reads the plate of a rendered vehicle, whatever regions are expected here.

    Everything that a run would load is loaded too: what is wrong with it is the reader's fault.
    """
    picture, plate = _trial()
    try:
        with contextlib.closing(make_networks(settings)) as networks:
            make_plate_reader(settings, networks)
            if settings.detect_faces:
                make_face_models(settings, networks)
            reader = EmbeddedPlateReader(threads=settings.threads, networks=networks)
            return try_reader(reader, picture, expected=plate)
    except VisionError as error:
        return ReaderFacts(fault=str(error))


def _trial() -> tuple[Picture, str]:
    """A rendered picture and the plate that stands on it: where the vehicle is nearest."""
    passage = truth_of(TRIAL)[0]
    wanted = passage.last_frame if passage.direction == "approaching" else passage.first_frame
    with open_source(TRIAL) as source:
        while (frame := source.read(1.0)) is not None:
            if frame.number >= wanted:
                return frame.picture, passage.plate
    raise SourceError(f"{TRIAL} ended before frame {wanted}")


def _link(settings: AgentSettings, inspection: Inspection) -> tuple[LinkFacts, float | None]:
    """Greets and hangs up; the server's clock by the answer's date, to a second."""
    waiting, oldest_at = inspection.waiting_rows, inspection.oldest_at
    try:
        offset_s = _dialled(uplink_settings_of(settings), trial_hello(settings, inspection))
    except AddressRefused as error:
        advice, is_hopeless, is_open, offset_s = str(error), True, False, None
    except LinkFailed as error:
        advice, is_hopeless = str(error), error.failure.needs_a_person
        is_open, offset_s = False, None
    else:
        advice, is_hopeless, is_open = "", False, True
    facts = LinkFacts(
        is_open=is_open,
        state="not connected",
        advice=advice,
        is_hopeless=is_hopeless,
        waiting_rows=waiting,
        oldest_at=oldest_at,
    )
    return facts, offset_s


def _dialled(settings: UplinkSettings, hello: Hello) -> float | None:
    """Raises AddressRefused or LinkFailed; otherwise the server's time less ours, if it says it."""
    check_address(settings)
    return asyncio.run(_hung_up(settings, hello))


async def _hung_up(settings: UplinkSettings, hello: Hello) -> float | None:
    connection: ClientConnection = await let_in(settings, hello)
    try:
        response = connection.response
        said = response.headers.get("Date") if response is not None else None
        if said is None:
            return None
        offset_s = (email.utils.parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds()
        return offset_s if abs(offset_s) > 1 else 0.0  # the header has whole seconds
    finally:
        await abort(connection)


def _pictures_bytes(folder: Path) -> int:
    return sum(_sizes(folder))


def _sizes(folder: Path) -> Iterator[int]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    yield entry.stat(follow_symlinks=False).st_size
    except OSError:
        return


def _as_json(running: bool, results: tuple[HealthResult, ...]) -> str:
    return json.dumps(
        {
            "version": VERSION,
            "agent_runs": running,
            "status": worst_of(results),
            "checks": [
                {"component": one.component, "status": one.status.value, "message": one.message}
                for one in results
            ],
        },
        ensure_ascii=False,
        indent=2,
    )


def _print(console: Console, running: bool, results: tuple[HealthResult, ...]) -> None:
    table = Table(title="the agent that runs says" if running else "no agent runs here")
    table.add_column("check", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("what was seen, and what to do", overflow="fold")
    for one in results:
        state = Text(one.status.value, style=_COLOURS[one.status])
        table.add_row(Text(one.component), state, Text(one.message))
    console.print(table)
    counts = {status: sum(one.status is status for one in results) for status in Status}
    console.print(
        Text(f"{counts[Status.PASS]} passed, {counts[Status.WARN]} warned, ")
        + Text(f"{counts[Status.FAIL]} failed", style="bold red" if counts[Status.FAIL] else "")
    )

"""Any order of steps, crashes, cuts and late frames: each row ends on the server, once.

A Hypothesis state machine drives the real outbox, both sessions and the real SQLite store against
a model of three lines: rows recorded, rows the server must refuse, rows seen on the server. By
default 50 runs of up to 50 steps, and as many as Hypothesis's profile says where tests.extent is
asked for everything. For thousands of runs:

    python -m pytest tests/delivery --hypothesis-profile=delivery-long
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.agent.outbox.sightings import face, plate
from tests.delivery.ends import Camera, Centre, Link, SetClock
from tests.extent import tries_everything
from wire.limits import Credit

STEPS = 50
KINDS = ("plate", "plate", "refused plate", "face", "health", "eviction")
REFUSED_TEXT = "X" * 65
"""A plate longer than the contract allows: the server refuses the row for good."""

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of random name is made in it
ROWS_OF_CAMERA = " UNION ALL ".join(
    f"SELECT message_id, sequence, sent_to_server FROM {table}"  # noqa: S608 - our own names
    for table in ("detection_results", "face_results", "health_checks", "evictions")
)
ROWS_OF_CENTRE = " UNION ALL ".join(
    f"SELECT message_id, {number}, id FROM {table}"  # noqa: S608 - our own names
    for number, table in enumerate(
        ("lpr_detections", "face_detections", "health_monitors", "evictions")
    )
)


class Step(Enum):
    """The way of a row, in its order."""

    DIAL = "the camera says hello"
    READ = "waiting rows are read"
    SEND = "a frame is sent"
    SERVER_HEARS = "the server reads a frame"
    COMMIT = "a group is committed"
    ANSWER = "the server acknowledges"
    CAMERA_HEARS = "the camera reads an answer"
    SETTLE = "flags are written"


class Delivery(RuleBasedStateMachine):
    """`recorded` maps each row's id to the plate it says, None where it is no plate."""

    def __init__(self) -> None:
        super().__init__()
        parent = MEMORY if MEMORY.is_dir() else None
        self.folder = Path(tempfile.mkdtemp(prefix="sightpost-model-", dir=parent))
        self.runner = asyncio.Runner()
        self.recorded: dict[str, str | None] = {}
        self.must_be_refused: set[str] = set()
        self.seen: dict[str, tuple[int, int]] = {}
        self.backed_up: list[dict[str, tuple[int, int]]] = [{}]
        self.is_restored_unheard = False
        self.older_rows = 0
        self.late: list[Link] = []
        self.turns = list(Step)
        self.count = 0

    @initialize(seed=st.integers(0, 2**32))
    def start(self, seed: int) -> None:
        self.clock = SetClock()
        (self.folder / "camera-0").mkdir()
        (self.folder / "centre-0").mkdir()
        self.camera = Camera(self.folder / "camera-0", self.clock, seed)
        self.centre = Centre(self.folder / "centre-0", self.runner, self.clock.now)

    # What is recorded.

    @rule(kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
    def rows_are_recorded(self, kinds: list[str]) -> None:
        for kind in kinds:
            self._record(kind)

    def _record(self, kind: str) -> None:
        self.count += 1
        outbox = self.camera.outbox
        text = None
        if kind == "face":
            recorded = outbox.record_face(face(seed=self.count))
        elif kind == "health":
            message = str(self.count)
            recorded = outbox.record_health(component="disk", status="PASS", message=message)
        elif kind == "eviction":
            recorded = outbox.record_eviction(
                kind="picture", reason="test", evicted_table="lpr_detection", count=self.count
            )
        else:
            text = f"AB {self.count}" if kind == "plate" else REFUSED_TEXT
            sighting = plate(text, seed=self.count, width=16)
            recorded = outbox.record_plate(replace(sighting, captured_at=self.clock.now()))
        self.recorded[recorded.message_id] = text
        if text == REFUSED_TEXT:
            self.must_be_refused.add(recorded.message_id)

    @rule()
    def older_tool_inserts_a_row(self) -> None:
        self.count += 1
        self.older_rows += 1
        connection = apsw.Connection(str(self.camera.database))
        connection.execute(
            "INSERT INTO health_checks (timestamp, component, status, message) "
            "VALUES ('2026-03-04T12:00:00', 'older', 'PASS', ?)",
            (str(self.count),),
        )
        connection.close()

    # What carries rows on. Faults come between any two of these steps.

    @rule(steps=st.integers(1, 4))
    def work_a_little(self, steps: int) -> None:
        self._work(steps)

    @rule(steps=st.integers(5, 24))
    def work_on(self, steps: int) -> None:
        self._work(steps)

    @rule(step=st.sampled_from(list(Step)), size=st.integers(1, 6))
    def take_a_step_out_of_turn(self, step: Step, size: int) -> None:
        if self._can(step):
            self._do(step, size)

    def _work(self, steps: int) -> None:
        """So many steps in the order in which a row goes, beginning where it was left."""
        for _ in range(steps):
            turn = next((step for step in (*self.turns, *self.turns) if self._can(step)), Step.READ)
            self._do(turn, 4)
            at = self.turns.index(turn) + 1
            self.turns = [*self.turns[at:], *self.turns[:at]]

    def _can(self, step: Step) -> bool:
        link = self.camera.link
        match step:
            case Step.DIAL:
                return link is None
            case Step.READ:
                return link is not None
            case Step.SEND:
                return self.camera.can_send
            case Step.SERVER_HEARS:
                return link is not None and bool(link.to_server)
            case Step.COMMIT:
                return any(turn.outcomes is None for turn in self.centre.turns)
            case Step.ANSWER:
                return bool(self.centre.turns) and self.centre.turns[0].outcomes is not None
            case Step.CAMERA_HEARS:
                return link is not None and bool(link.to_agent)
            case Step.SETTLE:
                return self.camera.has_heard

    def _do(self, step: Step, size: int) -> None:
        link = self.camera.link
        match step:
            case Step.DIAL:
                self.camera.connect()
            case Step.READ:
                self.camera.read(size)
            case Step.SEND:
                self.camera.send()
            case Step.SERVER_HEARS:
                assert link is not None
                self.centre.hear(link, Credit(rows=size, bytes=1_000_000))
            case Step.COMMIT:
                self.centre.commit(size)
            case Step.ANSWER:
                self.centre.answer(Credit(rows=size, bytes=1_000_000))
            case Step.CAMERA_HEARS:
                self.camera.hear()
            case Step.SETTLE:
                self.camera.settle()

    @precondition(lambda self: self.must_be_refused)
    @rule()
    def refused_rows_are_queued_again(self) -> None:
        self.camera.outbox.retry_refused()

    @rule(seconds=st.sampled_from([0.5, 3.0, 86_400.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.tick(seconds)

    # What goes wrong.

    @rule(year=st.sampled_from([1970, 2005, 2026, 2090]))
    def clock_jumps(self, year: int) -> None:
        self.clock.time = datetime(year, 1, 1, tzinfo=UTC)

    @precondition(lambda self: self._can(Step.COMMIT))
    @rule(rows=st.integers(1, 6))
    def server_cannot_store(self, rows: int) -> None:
        self.centre.put_off(Credit(rows=rows, bytes=1_000_000))

    @precondition(lambda self: self.camera.link is not None)
    @rule(is_late=st.booleans())
    def link_is_cut(self, is_late: bool) -> None:
        self._cut(is_late=is_late)
        self.camera.hang_up()

    @precondition(lambda self: self.late)
    @rule()
    def frame_comes_late(self) -> None:
        link = self.late[0]
        if link.to_server:
            self.centre.hear(link, Credit(rows=1, bytes=1))
        else:
            self.late.pop(0)

    @precondition(lambda self: self.camera.link is not None)
    @rule(is_late=st.booleans())
    def camera_is_killed(self, is_late: bool) -> None:
        self._cut(is_late=is_late)
        self.camera.crash()

    @precondition(lambda self: self.camera.link is not None)
    @rule()
    def server_is_killed(self) -> None:
        self._cut(is_late=False)
        self.camera.hang_up()
        self.late.clear()
        self.centre.crash()

    @rule()
    def backup_is_taken(self) -> None:
        self.centre.back_up()
        self.backed_up.append(dict(self.seen))

    @precondition(lambda self: self.seen)
    @rule(which=st.integers(0, 5))
    def server_is_restored_from_one_of_its_backups(self, which: int) -> None:
        """Any of them, also one that is younger than what was restored before."""
        self._cut(is_late=False)
        self.camera.hang_up()
        self.late.clear()
        backup = max(0, len(self.backed_up) - 1 - which)
        self.centre.restore(backup)
        self.seen = dict(self.backed_up[backup])
        self.is_restored_unheard = True

    def _cut(self, *, is_late: bool) -> None:
        """What is on its way to the camera is lost; what is on its way from it may come late."""
        link = self.camera.link
        if link is None:
            return
        link.is_cut = True
        link.to_agent.clear()
        if is_late:
            self.late.append(link)

    # What must hold after each step.

    @invariant()
    def promise_holds(self) -> None:
        self._check_that_every_acknowledged_row_is_on_the_server_and_none_twice()
        self._check_that_books_balance_and_sequences_have_no_gaps()
        self._check_books_of_the_server()

    def _check_that_every_acknowledged_row_is_on_the_server_and_none_twice(self) -> None:
        held = self.centre.query(ROWS_OF_CENTRE)
        ids = [row_id for row_id, _, _ in held]
        assert len(set(ids)) == len(ids)
        records = {row_id: (table, record) for row_id, table, record in held}
        for row_id, place in self.seen.items():
            assert records.get(row_id) == place, "a row that was stored has gone or moved"
        self.seen = records
        rows = self.camera.query(ROWS_OF_CAMERA)
        acknowledged = {row_id for row_id, _, flag in rows if flag == 1}
        link = self.camera.link
        if link is not None and link.is_welcomed:
            self.is_restored_unheard = False
        assert self.is_restored_unheard or acknowledged <= set(ids)
        assert set(ids) <= {row_id for row_id, _, _ in rows}
        assert not self.must_be_refused.intersection(ids)
        refused = {row_id for row_id, _, flag in rows if flag == 2}
        assert refused <= self.must_be_refused

    def _check_that_books_balance_and_sequences_have_no_gaps(self) -> None:
        rows = self.camera.query(ROWS_OF_CAMERA)
        counts = self.camera.outbox.counts()
        flags = [flag for _, _, flag in rows]
        assert counts.captured == len(rows) == len(self.recorded) + self.older_rows
        assert counts.captured == counts.waiting + counts.acknowledged + counts.refused
        assert [counts.waiting, counts.acknowledged, counts.refused] == [
            flags.count(flag) for flag in (0, 1, 2)
        ]
        assert set(self.recorded) <= {row_id for row_id, _, _ in rows}
        sequences = sorted(sequence for _, sequence, _ in rows if sequence is not None)
        assert sequences == list(range(1, len(sequences) + 1))

    def _check_books_of_the_server(self) -> None:
        ((ledger,),) = self.centre.query("SELECT count(*) FROM message_ledger")
        ((stored,),) = self.centre.query("SELECT coalesce(sum(rows_stored), 0) FROM camera_epochs")
        assert ledger == stored == len(self.seen)

    def teardown(self) -> None:
        try:
            if hasattr(self, "centre"):
                self._deliver_all()
        finally:
            self._close()

    def _deliver_all(self) -> None:
        """With nothing in the way any more, everything arrives."""
        self._cut(is_late=False)
        self.camera.hang_up()
        link = self.camera.connect()
        credit = Credit(rows=64, bytes=10_000_000)
        for _ in range(20 + 4 * (len(self.recorded) + self.older_rows)):
            while link.to_server:
                self.centre.hear(link, credit)
            self.centre.commit(100)
            while self.centre.turns:
                self.centre.answer(credit)
            while link.to_agent:
                self.camera.hear()
            self.camera.settle()
            self.clock.tick(3)
            self.camera.read(8)
            if not self.camera.send() and not self.camera.outbox.counts().waiting:
                break
        self.promise_holds()
        assert self.camera.outbox.counts().waiting == 0
        assert self.camera.outbox.counts().refused == len(self.must_be_refused)
        plates = dict(self.centre.query("SELECT message_id, license_plate FROM lpr_detections"))
        said: dict[str, Any] = {
            row_id: text
            for row_id, text in self.recorded.items()
            if text is not None and row_id not in self.must_be_refused
        }
        assert plates == said
        assert self.centre.missing_pictures() == []
        assert (
            self.centre.query(
                "SELECT DISTINCT image_status FROM lpr_detections WHERE image_status <> 'present'"
            )
            == []
        )

    def _close(self) -> None:
        if hasattr(self, "camera"):
            self.camera.close()
        if hasattr(self, "centre"):
            self.centre.close()
        self.runner.close()
        shutil.rmtree(self.folder)


def _runs(of_profile: int) -> int:
    """Of another profile than the default one (100) it was asked for on purpose."""
    return 50 if of_profile == 100 and not tries_everything() else of_profile


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
def test_every_row_arrives_once_whatever_happens_in_whatever_order() -> None:
    run_state_machine_as_test(
        Delivery,
        settings=settings(
            settings.default,
            max_examples=_runs(settings.default.max_examples),
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )

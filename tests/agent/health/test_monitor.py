"""What of the results is written and when, and that an agent can be asked."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from agent.errors import RecordingFailed
from agent.health.asking import Answer, answer_questions, ask, socket_beside
from agent.health.journal import HealthJournal
from agent.health.monitor import HealthMonitor
from agent.health.result import HealthResult, Status, failed, passed


def test_change_is_due_at_once_and_steady_state_once_an_interval() -> None:
    journal = HealthJournal(interval_s=60)
    well, ill = passed("camera", ""), failed("camera", "")
    assert journal.due([well], now_s=0) == [well]
    assert journal.due([well], now_s=0) == [well]  # it was not written yet
    journal.written(well, now_s=0)
    assert journal.due([well], now_s=30) == []
    assert journal.due([ill], now_s=31) == [ill]
    journal.written(ill, now_s=31)
    assert journal.due([ill], now_s=90) == []
    assert journal.due([ill], now_s=91) == [ill]


class Written:
    """A recorder that remembers."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []
        self.info: list[dict[str, Any] | None] = []

    def record_health(
        self,
        *,
        component: str,
        status: str,
        message: str,
        system_info: dict[str, Any] | None = None,
    ) -> object:
        self.rows.append((component, status))
        self.info.append(system_info)
        return None


async def test_a_look_on_demand_writes_what_changed_and_nothing_else() -> None:
    state = [passed("camera", "")]
    written = Written()
    with ThreadPoolExecutor(1) as executor:
        monitor = HealthMonitor(
            examine=lambda: (tuple(state), {"python_version": "3"}),
            recorder=written,
            journal=HealthJournal(interval_s=3600),
            executor=executor,
        )
        await monitor.look_now()
        await monitor.look_now()
        state[0] = failed("camera", "check the cable")
        assert (await monitor.look_now())[0].status is Status.FAIL
    assert written.rows == [("camera", "PASS"), ("camera", "FAIL")]
    assert written.info[0] == {"python_version": "3"}


async def test_what_could_not_be_stored_is_written_at_the_next_look() -> None:
    class FullAtFirst(Written):
        is_full = True

        def record_health(self, **said: Any) -> object:
            if self.is_full:
                self.rows.append((said["component"], "not stored"))
                raise RecordingFailed("the disk is full")
            return super().record_health(**said)

    written = FullAtFirst()
    with ThreadPoolExecutor(1) as executor:
        monitor = HealthMonitor(
            examine=lambda: ((failed("disk", ""), passed("camera", "")), {}),
            recorder=written,
            journal=HealthJournal(interval_s=3600),
            executor=executor,
        )
        await monitor.look_now()
        written.is_full = False
        await monitor.look_now()
        await monitor.look_now()
    assert written.rows == [("disk", "not stored"), ("disk", "FAIL"), ("camera", "PASS")]


async def test_the_settings_in_force_are_told_once_and_again_only_when_that_failed() -> None:
    class Full(Written):
        def record_health(self, **said: Any) -> object:
            if said["component"] == "settings" and not self.rows[1:]:
                self.rows.append(("settings", "not stored"))
                raise RecordingFailed("the disk is full")
            return super().record_health(**said)

    written = Full()
    with ThreadPoolExecutor(1) as executor:
        monitor = HealthMonitor(
            examine=lambda: ((passed("camera", ""),), {}),
            recorder=written,
            journal=HealthJournal(interval_s=3600),
            executor=executor,
            settings={"AGENT_SOURCE": "synthetic:"},
        )
        for _ in range(3):
            await monitor.look_now()
    assert written.rows == [("camera", "PASS"), ("settings", "not stored"), ("settings", "PASS")]
    assert written.info[-1] == {"AGENT_SOURCE": "synthetic:"}


async def test_a_check_that_breaks_is_told_and_ends_neither_monitor_nor_agent() -> None:
    faults: list[Exception] = [ValueError("a sensor that says nonsense")]
    stop = asyncio.Event()

    def examine() -> tuple[tuple[HealthResult, ...], dict[str, str]]:
        if faults:
            raise faults.pop()
        stop.set()
        return (passed("camera", ""),), {}

    with ThreadPoolExecutor(1) as executor:
        monitor = HealthMonitor(
            examine=examine,
            recorder=Written(),
            journal=HealthJournal(interval_s=3600),
            executor=executor,
            look_s=0.01,
        )
        [told] = await monitor.look_now()
        assert (told.component, told.status) == ("agent", Status.FAIL)
        assert "ValueError: a sensor that says nonsense" in told.message
        faults.append(TypeError("and another"))
        await asyncio.wait_for(monitor.run(stop), 10)
        assert [one.component for one in monitor.newest] == ["camera"]


async def test_who_asks_beside_the_database_is_answered_however_deep_that_lies(
    tmp_path: Path,
) -> None:
    folder = tmp_path / ("deep" * 20) / ("deeper" * 20)
    folder.mkdir(parents=True)
    database = folder / "lpr_data.db"
    stop = asyncio.Event()
    results: tuple[HealthResult, ...] = (passed("camera", "newest frame is 0.1 s old"),)

    async def look() -> Answer:
        return Answer.of(results, version="1.2.3")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(answer_questions(database, look, stop))
        while (answer := await asyncio.to_thread(ask, database, timeout_s=5)) is None:
            continue
        stop.set()
    assert answer.version == "1.2.3"
    assert answer.as_results() == results
    assert not socket_beside(database).exists()
    assert ask(database, timeout_s=1) is None

"""What systemd is told, on a real datagram socket, and when it is told nothing."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from telemetry.service_manager import ServiceManager, Watched, report, stall_of


class Manager:
    """The socket that systemd would read."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)
        self.address = address

    def said(self) -> list[str]:
        """Everything that has arrived, in order."""
        messages = []
        with suppress(BlockingIOError):
            while True:
                messages.append(self._socket.recv(4096).decode())
        return messages

    async def hears(self, wanted: str) -> list[str]:
        """Waits until that arrives; everything up to it."""
        loop = asyncio.get_running_loop()
        heard: list[str] = []
        while wanted not in heard:
            heard.append((await asyncio.wait_for(loop.sock_recv(self._socket, 4096), 10)).decode())
        return heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    listening = Manager(str(tmp_path / "notify"))
    yield listening
    listening.close()


def service(manager: Manager, *, watchdog_s: float | None = None) -> ServiceManager:
    return ServiceManager(manager.address, watchdog_s=watchdog_s)


def moving() -> list[Watched]:
    return [Watched(name="watching", still_s=0.1, limit_s=60)]


async def test_ready_comes_first_and_stopping_last(manager: Manager) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(
        report(service(manager, watchdog_s=30), status=lambda: "12 rows", works=moving, stop=stop)
    )
    heard = await manager.hears("WATCHDOG=1")
    assert heard == ["READY=1", "STATUS=12 rows", "WATCHDOG=1"]
    stop.set()
    await running
    assert manager.said() == ["STOPPING=1"]


async def test_watchdog_is_fed_before_its_deadline(manager: Manager) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(
        report(service(manager, watchdog_s=0.06), status=lambda: "", works=moving, stop=stop)
    )
    for _ in range(3):
        await manager.hears("WATCHDOG=1")
    stop.set()
    await running


async def test_work_that_does_not_move_silences_the_watchdog_until_it_does(
    manager: Manager,
) -> None:
    still_s = [0.0]
    stop = asyncio.Event()

    def works() -> list[Watched]:
        return [Watched(name="watching", still_s=still_s[0], limit_s=60)]

    running = asyncio.create_task(
        report(service(manager, watchdog_s=0.03), status=lambda: "fine", works=works, stop=stop)
    )
    await manager.hears("WATCHDOG=1")
    still_s[0] = 61
    stall = "STATUS=watching has not moved for 61 s (at most 60)"
    await manager.hears(stall)
    assert "WATCHDOG=1" not in await manager.hears(stall)
    still_s[0] = 0
    await manager.hears("WATCHDOG=1")
    stop.set()
    await running


async def test_without_a_manager_nothing_is_done() -> None:
    absent = ServiceManager.from_environment({})
    assert not absent.is_there
    absent.ready()
    await report(absent, status=lambda: "", works=moving, stop=asyncio.Event())


def test_manager_that_went_away_costs_nothing(tmp_path: Path) -> None:
    ServiceManager(str(tmp_path / "nobody listens here")).ready()


def test_abstract_address_and_status_of_several_lines() -> None:
    listening = Manager(f"@sightpost-test-{os.getpid()}")
    try:
        service(listening).status("two\nREADY=1")
        assert listening.said() == ["STATUS=two READY=1"]
    finally:
        listening.close()


@pytest.mark.parametrize(
    ("said", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_watchdog_of_the_environment(said: dict[str, str], watchdog_s: float | None) -> None:
    found = ServiceManager.from_environment({"NOTIFY_SOCKET": "/run/notify", **said})
    assert found.watchdog_s == watchdog_s


def test_stall_names_everything_that_stands_still() -> None:
    works = [
        Watched(name="watching", still_s=60, limit_s=60),
        Watched(name="storing", still_s=121, limit_s=120),
        Watched(name="sending", still_s=500, limit_s=120),
    ]
    assert stall_of(works) == (
        "storing has not moved for 121 s (at most 120); sending has not moved for 500 s (at most "
        "120)"
    )
    assert stall_of(works[:1]) is None

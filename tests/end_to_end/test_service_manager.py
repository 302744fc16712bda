"""Both programs, told by the environment that systemd waits for them, keep it informed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.pictures import write_plate_pictures
from tests.end_to_end.programs import Installation, installation
from tests.scripts.operating import free_ports


class Manager:
    """The socket that systemd would read, with a short watchdog."""

    def __init__(self, path: Path) -> None:
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "900000"}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(60)

    def hears(self, wanted: str) -> list[str]:
        """Waits until a message begins so; everything up to it."""
        heard = [self._socket.recv(4096).decode()]
        while not heard[-1].startswith(wanted):
            heard.append(self._socket.recv(4096).decode())
        return heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    listening = Manager(tmp_path / "notify")
    yield listening
    listening.close()


@pytest.fixture
def place(tmp_path: Path, manager: Manager) -> Iterator[Installation]:
    with installation(tmp_path, **manager.environment) as made:
        yield made


def test_server_is_ready_when_it_takes_rows_and_says_when_it_stops(
    place: Installation, manager: Manager
) -> None:
    server = place.start_server()
    heard = manager.hears("WATCHDOG=1")
    assert heard[0] == "READY=1"
    assert heard[1] == "STATUS=0 cameras connected, 0 rows received"
    server.terminate()
    manager.hears("STOPPING=1")
    assert server.wait(20) == 0


def test_agent_is_ready_when_its_models_are_loaded_and_goes_on_when_the_clip_has_ended(
    place: Installation, manager: Manager, tmp_path: Path
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    write_plate_pictures(pictures, 1)
    place.settings["AGENT_WEB_PORT"] = str(free_ports(1)[0])
    agent = place.start_agent(f"images:{pictures}")
    assert manager.hears("READY=1") == ["READY=1"]
    assert "The camera's page is on http://" in place.output_of("agent")
    manager.hears("STATUS=watching images:")
    assert "loading the models" in place.output_of("agent")
    for _ in range(3):
        manager.hears("WATCHDOG=1")
    agent.terminate()
    manager.hears("STOPPING=1")
    assert agent.wait(20) == 0


def test_sender_alone_says_that_it_is_offline_and_keeps_going(
    place: Installation, manager: Manager
) -> None:
    place.settings["AGENT_SENDER"] = "separate"
    sender = place.start_sender()
    assert manager.hears("STATUS=link ")[0] == "READY=1"
    manager.hears("WATCHDOG=1")
    sender.terminate()
    manager.hears("STOPPING=1")
    assert sender.wait(20) == 0

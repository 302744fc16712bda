"""Room for each address and device, and what becomes of those who knock too often."""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from server.app import running
from server.config import ServerSettings
from server.ingest.guests import Failures, Guest, Guests
from server.peer import address_of, place_of
from tests.server.cameras import (
    classic_camera,
    classic_health,
    health_row,
    hello,
    v1_camera,
    v1_socket,
)
from tests.server.conftest import Query, settings_in
from tests.server.ingest.test_tokens_at_the_door import bearing, make_token


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("127.0.0.1", None),
        ("::1", None),
        ("192.168.1.7", "192.168.1.7"),
        ("2001:db8::1:2:3", "2001:db8::/64"),
        ("no address", "unknown"),
    ],
)
def test_an_ipv6_network_counts_as_one(address: str, place: str | None) -> None:
    assert place_of(address_of(address)) == place


def test_room_is_counted_for_each_address_and_device() -> None:
    guests = Guests(per_address=2, per_device=1)
    first, second = Guest(place="a", device_id="x"), Guest(place="a", device_id=None)
    guests.enter(first)
    assert "of x" in str(guests.fault(Guest(place="b", device_id="x")))
    guests.enter(second)
    assert "from a" in str(guests.fault(second))
    assert guests.fault(Guest(place="b", device_id=None)) is None
    assert guests.fault(Guest(place=None, device_id="y")) is None
    guests.leave(first)
    assert guests.fault(first) is None


def test_failures_count_for_a_minute() -> None:
    failures = Failures(most_a_minute=2)
    assert [failures.note("a", now) for now in (0.0, 1.0, 2.0, 59.0)] == [0, 0, 1, 2]
    assert failures.note("b", 3.0) == 0
    assert failures.note("a", 60.0) == 0


def from_address(address: str) -> dict[str, Any]:
    """As a proxy on this machine passes it on."""
    return {"additional_headers": {"X-Forwarded-For": address}}


async def test_an_address_that_has_its_fill_is_told_to_wait(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, classic_networks="10.0.0.0/8", max_connections_per_address=1)
    async with running(settings) as server:
        async with classic_camera(server.ingest_port, **from_address("10.0.0.1")) as camera:
            with pytest.raises(InvalidStatus) as refused:
                async with classic_camera(server.ingest_port, **from_address("10.0.0.1")):
                    pass
            async with classic_camera(server.ingest_port, **from_address("10.0.0.2")) as other:
                assert (await other.ask(classic_health()))["status"] == "success"
            assert (await camera.ask(classic_health()))["status"] == "success"
        assert refused.value.response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert refused.value.response.headers["Retry-After"] == "5"


async def test_an_old_camera_may_connect_anew_for_each_row(tmp_path: Path) -> None:
    """On a busy machine a few of those that hung up may not have been let go yet."""
    settings = settings_in(tmp_path, classic_networks="10.0.0.0/8", max_connections_per_address=10)
    async with running(settings) as server:
        for number in range(30):
            async with classic_camera(server.ingest_port, **from_address("10.0.0.1")) as camera:
                answer = await camera.ask(classic_health(message=str(number)))
                assert answer["record_id"] == number + 1


async def test_a_device_may_not_hold_many_connections(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, max_connections_per_device=2)
    async with running(settings) as server:
        token = bearing(make_token(settings.db_path, "gate-1"))
        async with (
            v1_camera(server.ingest_port, **token),
            v1_camera(server.ingest_port, **token),
        ):
            with pytest.raises(InvalidStatus, match="503"):
                async with v1_socket(server.ingest_port, **token):
                    pass


async def test_who_knocks_too_often_is_told_so_and_a_right_token_still_gets_in(
    settings: ServerSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = []
    async with running(settings) as server:
        token = bearing(make_token(settings.db_path, "gate-1"))
        for _ in range(70):
            with pytest.raises(InvalidStatus) as refused:
                async with v1_socket(server.ingest_port, **bearing("a-guess")):
                    pass
            codes.append(refused.value.response.status_code)
        async with v1_camera(server.ingest_port, **token) as camera:
            assert (await camera.ask(health_row(1)))[0]["success"]
    assert codes == [401] * 60 + [429] * 10
    said = capsys.readouterr().out
    assert said.count("connection denied ") == 60
    assert "a-guess" not in said


async def test_on_this_machine_a_name_that_has_a_token_is_refused_without_it(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings) as server:
        make_token(settings.db_path, "gate-1")
        async with v1_camera(server.ingest_port, "gate-2") as camera:
            assert (await camera.ask(health_row(1)))[0]["success"]
        async with v1_socket(server.ingest_port) as socket:
            await socket.send(json.dumps(hello("gate-1")))
            with pytest.raises(ConnectionClosedError) as closed:
                await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert "gate-1 has a token" in closed.value.rcvd.reason
    assert query("SELECT device_id FROM cameras") == [("gate-2",)]

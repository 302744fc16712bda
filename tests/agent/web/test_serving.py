"""Where the page listens, and that a viewer who takes nothing keeps no place."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from starlette.types import Message
from structlog.testing import capture_logs

from agent.camera.uri import parse_source
from agent.tuner import settable
from agent.tuning import CameraTuning
from agent.web.live_stream import LiveStream
from agent.web.port import PagePort, url_of


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_page_listens_on_either_kind_of_address(host: str) -> None:
    if host == "::1" and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    port = PagePort(host, 0)
    listener = port.listener()
    assert listener is not None
    assert port.fault == ""
    with contextlib.closing(listener):
        number = listener.getsockname()[1]
        socket.create_connection((host, number), timeout=10).close()


async def test_a_port_that_is_taken_is_told_once_and_opened_when_it_is_free() -> None:
    stop = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        port = PagePort("127.0.0.1", number, retry_s=0.01)
        with capture_logs() as logs:
            assert port.listener() is None
            opening = asyncio.create_task(port.opened(stop))
            await asyncio.wait({opening}, timeout=0.1)
        assert not opening.done()
        assert f"no page on http://127.0.0.1:{number}/ (Address already in use)" in port.fault
        assert [entry["log_level"] for entry in logs] == ["error"]
    listener = await asyncio.wait_for(opening, 10)
    assert listener is not None
    assert port.fault == ""
    listener.close()


async def test_a_port_is_waited_for_no_longer_than_the_agent_runs() -> None:
    stop = asyncio.Event()
    opening = asyncio.create_task(PagePort("127.0.0.1", 0, retry_s=3600).opened(stop))
    stop.set()
    assert await asyncio.wait_for(opening, 10) is None


def test_url_can_be_opened_as_it_is_told() -> None:
    assert url_of("::1", 8000) == "http://[::1]:8000/"
    assert url_of("127.0.0.1", 8000) == "http://127.0.0.1:8000/"
    assert url_of("0.0.0.0", 80) == f"http://{socket.gethostname()}:80/"  # noqa: S104 (a name)


async def test_viewer_who_takes_nothing_is_cut_off_and_leaves_its_place() -> None:
    places: list[str] = []

    async def frames() -> AsyncIterator[bytes]:
        places.append("taken")
        try:
            while True:
                yield b"frame"
        finally:
            places.clear()

    async def stalled(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    stream = LiveStream(frames())
    stream.taken_within_s = 0.05
    async with asyncio.timeout(10):
        await stream.stream_response(stalled)
    assert places == []


@pytest.mark.parametrize(
    ("source", "takes"),
    [
        ("picamera:0", set(CameraTuning.model_fields)),
        ("synthetic:", {"brightness", "contrast"}),
        ("rtsp://192.0.2.1/live", set()),
        ("v4l2:/dev/video0", set(CameraTuning.model_fields)),
    ],
)
def test_it_is_known_which_settings_have_an_effect(source: str, takes: set[str]) -> None:
    assert settable(parse_source(source)).fields == takes

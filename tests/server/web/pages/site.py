"""A real server in a process of its own, with what a real agent and an old camera sent it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import connect

from tests.end_to_end.programs import Installation, installation, rows_of, wait_until
from tests.server.cameras import ClassicCamera, classic_detection, classic_health

MARKUP: Final = "<script>alert(1)</script>"
THAI: Final = "1กก 1234"
LONG: Final = "W" * 60
HOSTILE: Final = "<b>old</b>"
"""The host name of an old camera; its device id is `classic:` and that."""
SOURCE: Final = "synthetic:?seed=1&night=0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """`plates` are those that the agent read from the synthetic road."""

    url: str
    setup_url: str
    place: Installation
    plates: tuple[str, ...]

    def pass_by(self, plate: str) -> None:
        """A sighting of the old camera, of this moment."""
        asyncio.run(_say(self.place, [_sighting(plate, datetime.now(UTC))]))

    async def passes_by(self, plate: str) -> None:
        await _say(self.place, [_sighting(plate, datetime.now(UTC))])


@contextlib.contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """With sightings and health of an agent, which has ended."""
    with bare_site(folder, SERVER_FACES="true", SERVER_WEBHOOK_NETWORKS="127.0.0.2/32") as site:
        place = site.place
        agent = place.start_agent(SOURCE)
        wait_until(lambda: _has_all(place), what="plates and health of the agent", timeout_s=120)
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(30) == 0, place.output_of("agent")
        yield replace(site, plates=_plates(place))


@contextlib.contextmanager
def bare_site(folder: Path, **settings: str) -> Iterator[Site]:
    """With what an old camera sent, and no agent."""
    with installation(folder, SERVER_PAGES="true", **settings) as place:
        place.start_server()
        asyncio.run(_say(place, _history()))
        found = re.search(r"http://\S+/setup\?key=\S+", place.output_of("server"))
        assert found is not None, place.output_of("server")
        yield Site(
            url=f"http://127.0.0.1:{place.web_port}",
            setup_url=found.group(),
            place=place,
            plates=(),
        )


def _plates(place: Installation) -> tuple[str, ...]:
    sql = "SELECT license_plate FROM lpr_detections WHERE device_id NOT LIKE 'classic:%'"
    return tuple(str(plate) for (plate,) in rows_of(place.server_database, sql))


def _has_all(place: Installation) -> bool:
    sql = "SELECT DISTINCT component FROM health_monitors WHERE component IN ('camera', 'settings')"
    return bool(_plates(place)) and len(rows_of(place.server_database, sql)) == 2


def _history() -> list[dict[str, Any]]:
    """What an old camera said within the last hour: nothing of it may become markup."""
    now = datetime.now(UTC)
    texts = [MARKUP, THAI, LONG, "=1+1"]
    messages = [
        _sighting(text, now - timedelta(minutes=5 * number)) for number, text in enumerate(texts)
    ]
    for minutes in (50, 40, 30):
        facts = {"cpu_usage": f"{minutes}%", "temperature_c": str(minutes)}
        messages.append(
            classic_health(
                hostname=HOSTILE,
                timestamp=(now - timedelta(minutes=minutes)).isoformat(),
                component=MARKUP,
                status="FAIL",
                message=f"{MARKUP} {minutes}",
                system_info=facts,
            )
        )
    return messages


def _sighting(plate: str, at: datetime) -> dict[str, Any]:
    return classic_detection(license_plate=plate, hostname=HOSTILE, timestamp=at.isoformat())


async def _say(place: Installation, messages: list[dict[str, Any]]) -> None:
    async with connect(f"ws://127.0.0.1:{place.port}/", proxy=None, compression=None) as line:
        camera = ClassicCamera(line)
        for message in messages:
            answer = await camera.ask(message)
            assert answer["status"] == "success", answer

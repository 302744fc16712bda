"""Sightings, cameras and alerts on an MQTT broker: connects, connects again, goes on where it was.

At least once: a position is moved when the broker has acknowledged (QoS 1) what lies before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import aiomqtt
import structlog

from server.bell import Bell
from server.egress.contract import AlertFeed, Positions
from server.egress.follower import IDLE_S, PIECE, Follower
from server.egress.picture_limit import PictureLimit
from server.egress.topics import Said, Topics, level_of
from server.errors import NotThere, StorageUnavailable, TookTooLong
from server.storage.reading.cameras import CameraCard, Cameras
from server.storage.reading.sightings import Pictures, SightingDetail
from server.watchlist.contract import Alert

HEALTH_S: Final = 30.0
"""How often it is looked whether a camera is another than it was."""
PATIENCE_S: Final = 20.0
SHORTEST_S: Final = 0.5
LONGEST_S: Final = 60.0
ALERTS: Final = "mqtt alerts"
SIGHTINGS: Final = "mqtt sightings"
"""The names of its positions."""

_OURS: Final = math.inf
"""In place of the client's own timeouts: those are of `asyncio.wait_for`, which up to Python 3.11
loses a cancellation that comes with the answer (bugs.python.org/issue37658): who is told to end
would go on."""
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where it is; `password` and `user` None: without. `trusted` None: not encrypted."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    trusted: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttParts:
    """`word` makes a JSON line of a sighting, `worded` JSON of an alert."""

    broker: Broker
    topics: Topics
    sightings: Follower
    alerts: AlertFeed
    alerted: Bell
    positions: Positions
    pictures: Pictures
    cameras: Cameras
    connected: Callable[[], frozenset[str]]
    now: Callable[[], datetime]
    word: Callable[[Iterable[SightingDetail]], str]
    worded: Callable[[Alert], bytes]


class MqttBridge:
    """`trouble` says why nothing is told now."""

    def __init__(self, parts: MqttParts) -> None:
        self._parts = parts
        self._limit = PictureLimit(parts.now)
        self.trouble: str | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        wait_s = SHORTEST_S
        while True:
            try:
                # A task of its own: up to Python 3.12 one stays cancelled in whose group another
                # failed (github.com/python/cpython/issues/116720), and would not connect again.
                await asyncio.create_task(self._connected())
            except* (aiomqtt.MqttError, StorageUnavailable, TookTooLong, OSError) as errors:
                is_new = self.trouble is None
                wait_s = SHORTEST_S if is_new else min(LONGEST_S, 2 * wait_s)
                self.trouble = str(errors.exceptions[0])
                say = _log.error if is_new else _log.warning
                say("MQTT waits", reason=self.trouble, again_in_s=wait_s)
            await asyncio.sleep(wait_s)

    async def _connected(self) -> None:
        """While one connection lasts."""
        parts = self._parts
        async with _client(parts.broker, parts.topics) as client:
            line = _Line(client, parts, self._limit)
            await line.say(Said(topic=parts.topics.status, payload=b"online", is_kept=True))
            self.trouble = None
            _log.info("connected to the MQTT broker", broker=parts.broker.host)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(parts.sightings.follow(line))
                tasks.create_task(line.tell_alerts())
                tasks.create_task(line.tell_cameras())
                tasks.create_task(line.find_kept())


class _Line:
    """One connection. Implements Taker."""

    def __init__(self, client: aiomqtt.Client, parts: MqttParts, limit: PictureLimit) -> None:
        self._client = client
        self._limit = limit
        self._parts = parts
        self._cameras: dict[str, CameraCard] = {}
        self._latest: dict[str, datetime] = {}
        self._kept: set[str] = set()
        self._found = Bell()

    async def take(self, sightings: Sequence[SightingDetail]) -> None:
        topics = self._parts.topics
        said = [topics.sighting(each, self._parts.word([each])) for each in sightings]
        latest = self._latest_of(sightings)
        said += [topics.plate(each) for each in latest]
        pictures = [
            topics.picture(each.card.device_id, content)
            for each in latest
            if (content := await self._picture(each)) is not None
            and self._limit.takes(len(content))
        ]
        largest_bytes = max((len(each.payload) for each in pictures), default=None)
        with (
            contextlib.nullcontext()
            if largest_bytes is None
            else self._limit.telling(largest_bytes)
        ):
            await self._say_all(said + pictures)

    def _latest_of(self, sightings: Sequence[SightingDetail]) -> list[SightingDetail]:
        """Of each camera the one that was captured last, unless a later one was told of: a camera
        that comes back sends what is new before what waited."""
        found: dict[str, SightingDetail] = {}
        for each in sightings:
            at = _captured_at(each)
            if at >= self._latest.get(each.card.device_id, at):
                self._latest[each.card.device_id] = at
                found[each.card.device_id] = each
        return list(found.values())

    async def tell_alerts(self) -> None:
        """Until it is cancelled."""
        parts = self._parts
        while True:
            rings = parts.alerted.rings
            position = await parts.positions.position(ALERTS)
            if position is None:
                position = await parts.alerts.newest()
                await parts.positions.move(ALERTS, position)
            alerts = await parts.alerts.after(position, limit=PIECE)
            if alerts:
                await self._say_all([parts.topics.alert(parts.worded(each)) for each in alerts])
                await parts.positions.move(ALERTS, alerts[-1].id)
            else:
                await parts.alerted.heard(rings, within_s=IDLE_S)

    async def tell_cameras(self) -> None:
        """Those that are another than they were, and those that are no more, until it is
        cancelled."""
        parts = self._parts
        while True:
            rings = self._found.rings
            board = await parts.cameras.board(now=parts.now(), connected=parts.connected())
            for camera in board:
                held = self._cameras.get(camera.device_id)
                if held is None:
                    await self._say_all(parts.topics.announced(camera))
                if held is None or parts.topics.health(held) != parts.topics.health(camera):
                    await self.say(parts.topics.health(camera))
            self._cameras = {camera.device_id: camera for camera in board}
            present = {level_of(camera.device_id) for camera in board}
            gone = self._kept - present
            self._kept = (self._kept - gone) | present  # before it waits: more may be found then
            for level in gone:
                await self._say_all(parts.topics.gone(level))
                _log.info("a camera that is no more was taken from the broker", camera=level)
            await self._found.heard(rings, within_s=HEALTH_S)

    async def find_kept(self) -> None:
        """Of which cameras the broker keeps something, from whenever, until it is cancelled."""
        topics = self._parts.topics
        async with asyncio.timeout(PATIENCE_S):
            await self._client.subscribe(topics.all_health, qos=1, timeout=_OURS)
        async for message in self._client.messages:
            level = topics.camera_in(str(message.topic))
            if message.retain and message.payload and level not in self._kept:
                self._kept.add(level)
                self._found.ring()

    async def say(self, said: Said) -> None:
        """Returns when the broker has it."""
        async with asyncio.timeout(PATIENCE_S):
            await self._client.publish(
                said.topic, said.payload, qos=1, retain=said.is_kept, timeout=_OURS
            )

    async def _say_all(self, said: Sequence[Said]) -> None:
        """In order: a broker keeps that of one connection."""
        await asyncio.gather(*map(self.say, said))

    async def _picture(self, detail: SightingDetail) -> bytes | None:
        """None where it cannot be read, too: the next one takes its place anyway, and no sighting
        is to wait for it."""
        if not detail.card.has_picture:
            return None
        try:
            return (await self._parts.pictures.picture(detail.card.id)).content
        except NotThere:
            return None
        except (StorageUnavailable, TookTooLong) as error:
            _log.warning("a picture is not told", sighting=detail.card.id, reason=str(error))
            return None


def _captured_at(detail: SightingDetail) -> datetime:
    """No later than it arrived, whatever the camera's clock says."""
    moments = (detail.card.captured_at, detail.card.received_at)
    return min((each for each in moments if each is not None), default=_LONG_AGO)


@contextlib.asynccontextmanager
async def _client(broker: Broker, topics: Topics) -> AsyncIterator[aiomqtt.Client]:
    """Its last will says that it is gone, also where it cannot say so itself."""
    told = logging.getLogger("mqtt")
    told.setLevel(logging.ERROR)  # of the library: how many it sends at once is no news
    gone = aiomqtt.Will(topic=topics.status, payload=b"offline", qos=1, retain=True)
    async with aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.user,
        password=broker.password,
        tls_context=broker.trusted,
        will=gone,
        timeout=PATIENCE_S,
        logger=told,
    ) as client:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError  # it came with the answer, see _OURS
        try:
            yield client
        finally:
            with contextlib.suppress(aiomqtt.MqttError, OSError):
                await client.publish(topics.status, b"offline", qos=1, retain=True, timeout=1.0)

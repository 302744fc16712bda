"""Builds what tells other programs of all that passes, runs it, and takes it down in order."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from server.channels import wording
from server.channels.attempt import Attempt
from server.channels.contract import NotDelivered
from server.channels.posting import Place, Poster, place_of
from server.channels.telling import KEY, SIGNATURE, TIMESTAMP, signature
from server.config import ServerSettings
from server.egress.contract import NotTaken
from server.egress.follower import Follower
from server.egress.stream import WebhookStream
from server.egress.topics import Topics
from server.errors import ConfigInvalid, QuestionInvalid
from server.storage.alerts import StoredAlerts
from server.storage.feed import StoredFeed
from server.storage.ground import Ground
from server.storage.postgres.leading import Duty
from server.storage.postgres.writing import Subject
from server.storage.reading.cameras import Cameras
from server.storage.reading.sightings import Pictures
from server.supervision import beside
from server.troubles import Part
from server.web.api.export import json_of
from telemetry.version import VERSION

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
STREAM: Final = "stream sightings"
"""The name of its position, and as a part of the server."""
MQTT: Final = "MQTT"


class Telling(Part, Protocol):
    """Tells others of what passes."""

    async def run(self) -> None:
        """Until it is cancelled."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What egress asks."""

    ground: Ground
    pictures: Pictures
    cameras: Cameras
    connected: Callable[[], frozenset[str]]
    now: Callable[[], datetime]


@contextlib.asynccontextmanager
async def egress_side(
    settings: ServerSettings, around: Surroundings
) -> AsyncIterator[Mapping[str, Telling]]:
    """On a migrated database; what runs, by its name. Of several processes one tells. Raises
    ConfigInvalid where an address is none."""
    with contextlib.ExitStack() as opened:
        telling = _built(settings, around, opened)
        works = {name: each.run for name, each in telling.items()}
        async with beside(around.ground.led(Duty.EGRESS, works)):
            yield telling


def _built(
    settings: ServerSettings, around: Surroundings, opened: contextlib.ExitStack
) -> dict[str, Telling]:
    """What is to be run; nothing is opened where nothing is wanted."""
    wanted: dict[str, Telling] = {}
    if settings.mqtt_url.get_secret_value() or settings.stream_url:
        access = around.ground.access
        readers = access.readers(opened, threads=1)
        alerts = StoredAlerts(readers, access.writing(opened, Subject.ALERTS))
        feed = access.feed(readers)
        if settings.mqtt_url.get_secret_value():
            wanted[MQTT] = _bridge(settings, around, feed, alerts)
        if settings.stream_url:
            follower = Follower(feed, alerts, around.ground.committed, name=STREAM)
            post = _post(settings, around.now)
            stream = WebhookStream(follower, post, json_of)
            opened.callback(post.end)
            opened.callback(stream.close)
            wanted[STREAM] = stream
    return wanted


def _bridge(
    settings: ServerSettings, around: Surroundings, feed: StoredFeed, alerts: StoredAlerts
) -> Telling:
    from server.egress.mqtt import SIGHTINGS, Broker, MqttBridge, MqttParts

    place = urlsplit(settings.mqtt_url.get_secret_value())
    house = wording.House(public_url=settings.public_url, zone=settings.time_zone)
    return MqttBridge(
        MqttParts(
            broker=Broker(
                host=place.hostname or "",
                port=place.port or _PORTS[place.scheme],
                user=None if place.username is None else unquote(place.username),
                password=None if place.password is None else unquote(place.password),
                trusted=_trusted(settings) if place.scheme == "mqtts" else None,
            ),
            topics=Topics(
                prefix=settings.mqtt_prefix, discovery=settings.mqtt_discovery, version=VERSION
            ),
            sightings=Follower(feed, alerts, around.ground.committed, name=SIGHTINGS),
            alerts=alerts,
            alerted=around.ground.alerted,
            positions=alerts,
            pictures=around.pictures,
            cameras=around.cameras,
            connected=around.connected,
            now=around.now,
            word=json_of,
            worded=lambda alert: wording.body(alert, house, is_test=False),
        )
    )


def _trusted(settings: ServerSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.mqtt_ca)
    except OSError as error:
        raise ConfigInvalid(
            f"SERVER_MQTT_CA={settings.mqtt_ca}: {error}; expected a PEM file of certificates"
        ) from error


class StreamPost:
    """Posts one piece after the other, signed where there is a `secret`."""

    def __init__(
        self, poster: Poster, place: Place, *, secret: str, now: Callable[[], datetime]
    ) -> None:
        self._poster = poster
        self._place = place
        self._secret = secret
        self._now = now
        self._attempt = Attempt()
        self._is_over = False

    def __call__(self, body: bytes, key: str) -> None:
        """Raises NotTaken."""
        self._attempt = attempt = Attempt()
        if self._is_over:
            attempt.call_off()
        headers = {"Content-Type": "application/x-ndjson", "User-Agent": "Sightpost", KEY: key}
        if self._secret:
            at_s = int(self._now().timestamp())
            said = signature(self._secret, at_s, body)
            headers |= {TIMESTAMP: str(at_s), SIGNATURE: f"v1={said}"}
        try:
            self._poster.post(self._place, body, headers, attempt)
        except NotDelivered as error:
            raise NotTaken(str(error)) from error

    def end(self) -> None:
        """Also of what is in hand: a thread that waits keeps the process from its end."""
        self._is_over = True
        self._attempt.end()


def _post(settings: ServerSettings, now: Callable[[], datetime]) -> StreamPost:
    try:
        place = place_of(settings.stream_url)
    except QuestionInvalid as error:
        raise ConfigInvalid(f"SERVER_STREAM_URL: {error}") from None
    poster, secret = Poster(settings.webhook_networks), settings.stream_secret.get_secret_value()
    return StreamPost(poster, place, secret=secret, now=now)

"""What is said to an MQTT broker of a sighting, a camera, an alert: topics and payloads. Pure.

Discovery is that of Home Assistant (home-assistant.io/integrations/mqtt, "MQTT Discovery"): a
camera appears as a device with its last plate, its picture, its health and whether it is there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from server.storage.reading.cameras import CameraCard, CameraState
from server.storage.reading.sightings import SightingDetail

_PLAIN: Final = re.compile(r"[^A-Za-z0-9_-]+")
_DIGEST_CHARACTERS: Final = 8
_KEPT: Final = ("plate", "picture", "health")
"""What is kept of a camera."""
_ENTITIES: Final = (
    ("sensor", "plate"),
    ("image", "picture"),
    ("sensor", "health"),
    ("binary_sensor", "there"),
)
"""What Home Assistant makes of it: kinds, and ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message. `is_kept`: the broker keeps it for whoever comes later."""

    topic: str
    payload: bytes
    is_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """All below `prefix`; discovery below `discovery`, where that is not empty."""

    prefix: str
    discovery: str
    version: str

    @property
    def status(self) -> str:
        """`online` while the server is connected, `offline` else."""
        return f"{self.prefix}/status"

    def sighting(self, detail: SightingDetail, line: str) -> Said:
        """Each sighting; `line` is its JSON."""
        return Said(
            topic=f"{self.prefix}/sightings/{level_of(detail.card.device_id)}",
            payload=line.strip().encode(),
        )

    def plate(self, detail: SightingDetail) -> Said:
        """The last plate of a camera."""
        card = detail.card
        captured_at = None if card.captured_at is None else card.captured_at.isoformat()
        return self._kept(
            card.device_id,
            "plate",
            {
                "plate": card.plate,
                "id": card.id,
                "captured_at": captured_at,
                "confidence_percent": card.confidence_percent,
                "region": card.region,
                "direction": card.direction,
            },
        )

    def picture(self, device_id: str, content: bytes) -> Said:
        """The last picture of a camera, as it came."""
        return Said(topic=self._camera(device_id, "picture"), payload=content, is_kept=True)

    def health(self, camera: CameraCard) -> Said:
        """How a camera is."""
        return self._kept(
            camera.device_id,
            "health",
            {
                "state": camera.state.value,
                "is_there": camera.state is CameraState.ONLINE,
                "waiting": camera.waiting,
                "temperature_c": camera.temperature_c,
                "version": camera.version,
                "faults": [f"{each.component} {each.status}" for each in camera.faults],
            },
        )

    @property
    def all_health(self) -> str:
        """A filter of what is kept of every camera's health."""
        return f"{self.prefix}/cameras/+/health"

    def camera_in(self, topic: str) -> str:
        """The level of the camera in a topic of `all_health`."""
        return topic.split("/")[-2]

    def gone(self, level: str) -> Sequence[Said]:
        """Nothing is kept of this camera any more (MQTT 3.1.1, section 3.3.1.3: an empty message
        takes the kept one away), and it disappears from Home Assistant."""
        topics = [f"{self.prefix}/cameras/{level}/{what}" for what in _KEPT]
        if self.discovery:
            topics += [self._config(level, kind, what) for kind, what in _ENTITIES]
        return [Said(topic=topic, payload=b"", is_kept=True) for topic in topics]

    def alert(self, said: bytes) -> Said:
        """Each alert, as a webhook gets it."""
        return Said(topic=f"{self.prefix}/alerts", payload=said)

    def announced(self, camera: CameraCard) -> Sequence[Said]:
        """What makes a camera appear; nothing without discovery."""
        if not self.discovery:
            return ()
        name = level_of(camera.device_id)
        said: dict[str, dict[str, Any]] = {
            "plate": {"name": "Last plate", **self._value(name, "plate", "plate")},
            "picture": {
                "name": "Last picture",
                "image_topic": self._camera(camera.device_id, "picture"),
                "content_type": "image/jpeg",
            },
            "health": {"name": "Health", **self._value(name, "health", "state")},
            "there": {
                "name": "Connected",
                "device_class": "connectivity",
                "state_topic": f"{self.prefix}/cameras/{name}/health",
                "value_template": "{{ 'ON' if value_json.is_there else 'OFF' }}",
            },
        }
        return [self._entity(camera, name, kind, what, said[what]) for kind, what in _ENTITIES]

    def _config(self, level: str, kind: str, what: str) -> str:
        return f"{self.discovery}/{kind}/{level_of(self.prefix)}_{level}/{what}/config"

    def _entity(
        self, camera: CameraCard, name: str, kind: str, what: str, said: dict[str, Any]
    ) -> Said:
        config = {
            **said,
            "unique_id": f"{level_of(self.prefix)}_{name}_{what}",
            "availability_topic": self.status,
            "device": {
                "identifiers": [f"{level_of(self.prefix)}_{name}"],
                "name": camera.device_id,
                "manufacturer": "Sightpost",
                "model": "camera",
                "sw_version": camera.version or self.version,
            },
            "origin": {"name": "Sightpost", "sw_version": self.version},
        }
        return Said(topic=self._config(name, kind, what), payload=_json(config), is_kept=True)

    def _value(self, name: str, what: str, key: str) -> dict[str, str]:
        topic = f"{self.prefix}/cameras/{name}/{what}"
        return {
            "state_topic": topic,
            "value_template": f"{{{{ value_json.{key} }}}}",
            "json_attributes_topic": topic,
        }

    def _kept(self, device_id: str, what: str, said: dict[str, Any]) -> Said:
        return Said(topic=self._camera(device_id, what), payload=_json(said), is_kept=True)

    def _camera(self, device_id: str, what: str) -> str:
        return f"{self.prefix}/cameras/{level_of(device_id)}/{what}"


def level_of(name: str) -> str:
    """A name as one level of a topic, and no two alike: what is not plain is replaced, and part of
    its SHA-256 added."""
    plain = _PLAIN.sub("_", name)
    if plain == name:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{plain}_{digest}"


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()

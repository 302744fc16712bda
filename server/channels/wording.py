"""An alert in words, and as JSON for programs. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from server.watchlist.contract import Alert, Source
from server.watchlist.rules import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What messages say of this centre: the address of its pages ('' where nobody told it), and
    the zone of its times."""

    public_url: str
    zone: tzinfo

    def link(self, alert: Alert) -> str:
        """Of the alert's page, of all alerts where it is made up; '' where the address is not
        known."""
        if not self.public_url:
            return ""
        page = f"{self.public_url.rstrip('/')}/alerts"
        return f"{page}?alert={alert.id}" if alert.id else page


def title(alert: Alert, *, is_test: bool = False) -> str:
    """One line: who, and of which list."""
    if is_test:
        return "Test: nobody was seen, somebody tries this channel"
    who = alert.plate
    if alert.source is Source.FACES:
        who = alert.listed or "somebody unknown"
    of = "not in" if alert.kind is Kind.UNKNOWN else "in"
    return " ".join(f"{who}: {of} {alert.list_name}".split())


def text(alert: Alert, house: House) -> str:
    """What somebody wants to know who gets a message."""
    lines = [
        f"Camera: {alert.device_id}",
        f"Captured: {_clock(alert.captured_at, house.zone)}",
        f"Arrived: {_clock(alert.received_at, house.zone)}",
    ]
    if alert.listed:
        lines.append(f"Listed as: {alert.listed}")
    if alert.reason:
        lines.append(f"Reason: {alert.reason}")
    if alert.likelihood < 1:
        lines.append(f"Likelihood: {100 * alert.likelihood:.0f}%")
    if link := house.link(alert):
        lines.append(link)
    return "\n".join(lines)


def body(alert: Alert, house: House, *, is_test: bool) -> bytes:
    """What a webhook gets: UTF-8 JSON."""
    said: dict[str, Any] = {
        "event": "test" if is_test else "alert",
        "alert": {
            "id": alert.id,
            "list": {"id": alert.list_id, "name": alert.list_name, "kind": alert.kind},
            "entry": alert.entry_id,
            "listed": alert.listed,
            "reason": alert.reason,
            "source": alert.source,
            "sighting": alert.sighting_id,
            "camera": alert.device_id,
            "plate": alert.plate,
            "person": alert.class_id,
            "likelihood": round(alert.likelihood, 4),
            "captured_at": alert.captured_at.isoformat(),
            "received_at": alert.received_at.isoformat(),
            "raised_at": alert.raised_at.isoformat(),
        },
        "link": house.link(alert),
    }
    return json.dumps(said, ensure_ascii=False).encode()


def _clock(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S} {zone}"

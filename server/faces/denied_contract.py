"""Faces that somebody said are not a person's, as pages and REST meet them: values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeniedFace:
    """A face that was said not to be a person's, by whom and when.

    `source` is camera or upload, empty where that was not noted yet. `device_id` and `seen_at` say
    where and when a camera saw it; None where it was no camera's, or was given up as old.
    """

    denied_id: int
    class_id: int
    denied_by: str
    denied_at: datetime
    source: str
    sighting_id: int | None
    device_id: str | None
    seen_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeniedPage:
    """The last to be noted first; `next_before` asks for those that follow, None: there are
    none."""

    denied: tuple[DeniedFace, ...]
    next_before: int | None

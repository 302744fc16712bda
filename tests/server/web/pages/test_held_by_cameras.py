"""What a list's page says of cameras that hold it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from server.watchlist.contract import ListDetails, Watchlist
from server.web.pages.watchlist_words import held_by_cameras
from wire.limits import WATCHED_PLATES


def a_list(entries: int, **given: Any) -> Watchlist:
    details = ListDetails(**{"name": "stolen", "goes_to_cameras": True, **given})
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return Watchlist(id=1, details=details, entries=entries, changed_by="somchai", changed_at=at)


def test_more_than_a_camera_holds_is_said() -> None:
    others = (a_list(5, goes_to_cameras=False), a_list(5, is_enabled=False))
    level, _ = held_by_cameras((a_list(WATCHED_PLATES), *others))
    assert level == "good"
    level, said = held_by_cameras((a_list(WATCHED_PLATES), a_list(1), *others))
    assert level == "warn"
    assert "holds none" in said

"""What is moved from SQLite to PostgreSQL: which tables, in which order, and how each is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

PIECE_ROWS: Final = 2000
MESSAGE: Final = "message_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedTable:
    """`key` is the number, or the id of a message, by which it is read piece by piece; without one
    it is small, is read whole in the order of `order`, and takes the place of what a new database
    has there. `added` is what the source does not have."""

    name: str
    key: str = ""
    order: str = ""
    added: Mapping[str, Any] = field(default_factory=dict)
    piece_rows: int = PIECE_ROWS

    @property
    def is_numbered(self) -> bool:
        """By numbers that are never given twice."""
        return self.key not in ("", MESSAGE)


TABLES: Final = (
    MovedTable(name="cameras", key="id"),
    MovedTable(name="camera_epochs", order="camera, epoch"),
    MovedTable(name="server_runs", key="number"),
    MovedTable(name="device_tokens", order="name"),
    MovedTable(name="message_ledger", key=MESSAGE),
    MovedTable(name="lpr_detections", key="id"),
    MovedTable(name="health_monitors", key="id"),
    MovedTable(name="face_detections", key="id"),
    MovedTable(name="evictions", key="id"),
    MovedTable(name="corrections", key="id"),
    MovedTable(name="server_stats", key="id"),
    MovedTable(
        name="service_minutes", order="service, minute", added={"run": "before"}
    ),  # all of one process
    MovedTable(name="users", key="id"),
    MovedTable(name="api_tokens", key="id"),
    MovedTable(name="audit_log", key="id"),
    MovedTable(name="familiar_places", order="name, place"),
    MovedTable(name="sign_in_failures", order="counted_by, who"),
    MovedTable(name="face_persons", key="class_id"),
    MovedTable(name="face_pictures", key="image_id", piece_rows=100),  # of some 50 KB each
    MovedTable(name="face_embeddings", key="embedding_id"),
    MovedTable(name="face_negatives", key="negative_id"),
    MovedTable(name="face_matches", key="match_id"),
    MovedTable(name="face_visitors", key="visitor_id"),
    MovedTable(name="face_follower", order="sighting_id"),
    MovedTable(name="face_gallery", order="gallery_id"),
    MovedTable(name="watchlists", key="id"),
    MovedTable(name="watchlist_entries", key="id"),
    MovedTable(name="watchlist_state", order="revision"),
    MovedTable(name="alerts", key="id"),
    MovedTable(name="alert_channels", key="id"),
    MovedTable(name="alert_deliveries", key="id"),
    MovedTable(name="row_positions", order="name"),
)
"""In the order in which they go: what is named by others goes before them. Sessions are not among
them, nor links by which accounts are made."""

NEVER_EMPTY: Final = frozenset(
    {"face_follower", "face_gallery", "watchlist_state", "row_positions"}
)
"""Of which a new database has rows."""

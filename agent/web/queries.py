"""Questions to the camera's database as SQL text and values. Pure: opens nothing, runs nothing.

Names of columns never come from a request: what may be sorted by is a table here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from agent.web.errors import QuestionInvalid

Values = dict[str, Any]

MOST_PER_PAGE: Final = 200
LAST_PAGE: Final = 1_000_000_000
LARGEST_ID: Final = 2**63 - 1
SORT_COLUMNS: Final = {
    "id": "d.id",
    "timestamp": "d.timestamp",
    "license_plate_text": "d.license_plate_text",
    "lp_confidence": "d.lp_confidence",
    "sent_to_server": "d.sent_to_server",
}
SENT_STATES: Final = {"waiting": 0, "sent": 1, "refused": 2}

DETECTION_COLUMNS: Final = (
    "d.id, d.frame_id, d.timestamp, d.license_plate_text, d.lp_confidence, d.lp_box_x, d.lp_box_y, "
    "d.lp_box_w, d.lp_box_h, d.lp_image_filename, d.sent_to_server, d.sent_timestamp, d.region, "
    "d.direction, d.dwell_s, d.send_error, d.image_status, m.exposure_time, m.analog_gain, m.lux"
)
_DETECTIONS: Final = (
    "FROM detection_results AS d LEFT JOIN camera_metadata AS m ON m.frame_id = d.frame_id"
)
"""`frame_id` is unique in `camera_metadata`: the join neither adds nor loses a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list; `number` counts from 1."""

    number: int = 1
    per_page: int = 20

    def __post_init__(self) -> None:
        if not (1 <= self.number <= LAST_PAGE and 1 <= self.per_page <= MOST_PER_PAGE):
            raise QuestionInvalid(
                f"page {self.number} with {self.per_page} rows: expected a page from 1 on with 1 "
                f"to {MOST_PER_PAGE} rows, such as ?page=1&per_page=20"
            )

    def pages(self, total: int) -> int:
        """How many pages a list of `total` rows has; at least one."""
        return max(1, -(-total // self.per_page))

    @property
    def values(self) -> Values:
        return {"limit": self.per_page, "offset": (self.number - 1) * self.per_page}


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionFilter:
    """Which sightings: `search` is a part of the plate or of its frame id, dates are local and
    inclusive (a day, or a moment), `sent` is one of SENT_STATES, `least` the confidence 0..1."""

    search: str = ""
    date_from: str = ""
    date_to: str = ""
    sent: str = ""
    direction: str = ""

    def where(self) -> tuple[str, Values]:
        """The WHERE clause and its values. Raises QuestionInvalid."""
        clauses, values = list[str](), Values()
        if self.search:
            clauses.append(
                "(d.license_plate_text LIKE :search ESCAPE '\\' OR d.frame_id = :exactly)"
            )
            values |= {"search": f"%{_escaped(self.search)}%", "exactly": self.search}
        if self.date_from:
            clauses.append("d.timestamp >= :date_from")
            values["date_from"] = _moment(self.date_from, "date_from")
        if self.date_to:
            clauses.append("d.timestamp < :date_to")
            values["date_to"] = _after(self.date_to)
        if self.sent:
            if self.sent not in SENT_STATES:
                raise QuestionInvalid(
                    f"sent={self.sent!r}: expected one of {', '.join(SENT_STATES)}"
                )
            clauses.append("d.sent_to_server = :sent")
            values["sent"] = SENT_STATES[self.sent]
        if self.direction:
            clauses.append("d.direction = :direction")
            values["direction"] = self.direction
        return (f"WHERE {' AND '.join(clauses)}" if clauses else ""), values


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How a list of sightings is sorted; `id` settles what is equal."""

    by: str = "timestamp"
    is_descending: bool = True

    def __post_init__(self) -> None:
        if self.by not in SORT_COLUMNS:
            raise QuestionInvalid(f"sort_by={self.by!r}: expected one of {', '.join(SORT_COLUMNS)}")

    @property
    def clause(self) -> str:
        way = "DESC" if self.is_descending else "ASC"
        first = "" if self.by == "id" else f"{SORT_COLUMNS[self.by]} {way}, "
        return f"ORDER BY {first}d.id {way}"


def detections(chosen: DetectionFilter, order: Order, page: Page) -> tuple[str, Values]:
    """One page of sightings."""
    where, values = chosen.where()
    sql = f"SELECT {DETECTION_COLUMNS} {_DETECTIONS} {where} {order.clause}"
    return f"{sql} LIMIT :limit OFFSET :offset", values | page.values


def detection_count(chosen: DetectionFilter) -> tuple[str, Values]:
    where, values = chosen.where()
    return f"SELECT count(*) AS total FROM detection_results AS d {where}", values  # noqa: S608 - our own names


def detections_after(
    chosen: DetectionFilter, *, before_id: int | None, limit: int
) -> tuple[str, Values]:
    """Some sightings, newest first, of those older than `before_id`: for an export in pieces."""
    where, values = chosen.where()
    if before_id is not None:
        where = f"{where} AND d.id < :before_id" if where else "WHERE d.id < :before_id"
        values["before_id"] = before_id
    sql = f"SELECT {DETECTION_COLUMNS} {_DETECTIONS} {where}"
    return f"{sql} ORDER BY d.id DESC LIMIT :limit", values | {"limit": limit}


def one_detection(row_id: int) -> tuple[str, Values]:
    sql = f"SELECT {DETECTION_COLUMNS}, d.evidence, d.message_id {_DETECTIONS}"
    return f"{sql} WHERE d.id = :id", {"id": row_id}


def health_checks(*, component: str, status: str, page: Page) -> tuple[str, str, Values, Values]:
    """The SQL of a page and of the count, and the values of each."""
    clauses, values = list[str](), Values()
    if component:
        clauses.append("component = :component")
        values["component"] = component
    if status:
        clauses.append("status = :status")
        values["status"] = status.upper()
    where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
    rows = (
        "SELECT id, timestamp, component, status, message, sent_to_server, sent_timestamp "  # noqa: S608 - our own names
        f"FROM health_checks {where} ORDER BY id DESC LIMIT :limit OFFSET :offset"
    )
    count = f"SELECT count(*) AS total FROM health_checks {where}"  # noqa: S608 - our own names
    return rows, count, values | page.values, values


LATEST_HEALTH: Final = (
    "SELECT id, timestamp, component, status, message FROM health_checks WHERE id IN "
    "(SELECT max(id) FROM health_checks WHERE id > "
    "(SELECT coalesce(max(id), 0) FROM health_checks) - 5000 GROUP BY component) "
    "ORDER BY component"
)
"""The newest check of each component among the last 5000 rows (days of summaries)."""

HEALTH_HISTORY: Final = (
    "SELECT timestamp, component, status, system_info FROM health_checks "
    "WHERE timestamp >= :since ORDER BY id DESC LIMIT :limit"
)

STATISTICS: Final = (
    "SELECT count(*) AS total_detections, "
    "count(CASE WHEN timestamp >= :today THEN 1 END) AS today_detections, "
    "avg(CASE WHEN lp_confidence > 1 THEN lp_confidence / 100.0 ELSE lp_confidence END) "
    "AS average_confidence FROM detection_results"
)
COMMONEST_PLATES: Final = (
    "SELECT license_plate_text AS plate, count(*) AS count FROM detection_results "
    "WHERE license_plate_text <> '' GROUP BY license_plate_text ORDER BY count(*) DESC, plate "
    "LIMIT 5"
)
UNSENT: Final = (
    "SELECT (SELECT count(*) FROM detection_results WHERE sent_to_server = 0) "
    "AS unsent_detections, "
    "(SELECT count(*) FROM health_checks WHERE sent_to_server = 0) AS unsent_health"
)
WAITING: Final = " UNION ALL ".join(
    f"SELECT '{kind}' AS kind, count(*) AS rows FROM {table} WHERE sent_to_server = 0"  # noqa: S608
    for kind, table in (
        ("plates", "detection_results"),
        ("faces", "face_results"),
        ("health checks", "health_checks"),
        ("evictions", "evictions"),
    )
)
REFUSED: Final = (
    "SELECT kind, id, timestamp, what, send_error FROM ("
    "SELECT 'sighting' AS kind, id, timestamp, license_plate_text AS what, send_error "
    "FROM detection_results WHERE sent_to_server = 2 "
    "UNION ALL SELECT 'face', id, timestamp, 'face', send_error "
    "FROM face_results WHERE sent_to_server = 2 "
    "UNION ALL SELECT 'health', id, timestamp, component, send_error "
    "FROM health_checks WHERE sent_to_server = 2 "
    "UNION ALL SELECT 'eviction', id, timestamp, reason, send_error "
    "FROM evictions WHERE sent_to_server = 2) ORDER BY timestamp DESC LIMIT :limit"
)
RECENT: Final = (
    f"SELECT {DETECTION_COLUMNS}, d.evidence {_DETECTIONS} ORDER BY d.id DESC LIMIT :limit"
)


def _escaped(text: str) -> str:
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return text


def _moment(text: str, key: str) -> str:
    """The text as rows have it; a day, or a day and a time."""
    cleaned = text.strip().replace(" ", "T")
    try:
        date.fromisoformat(cleaned[:10])
    except ValueError:
        raise QuestionInvalid(f"{key}={text!r}: expected a day such as 2026-03-04") from None
    return cleaned


def _after(text: str) -> str:
    """The first moment after a day or a minute that is to be included."""
    cleaned = _moment(text, "date_to")
    if len(cleaned) > 10:
        return cleaned + "\U0010ffff"  # greater than whatever begins with it
    return (date.fromisoformat(cleaned) + timedelta(days=1)).isoformat()

"""What became of every row of a chaos run, from the witnesses and both ends' databases."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import apsw

WAITING: Final = 0
ACKNOWLEDGED: Final = 1
REFUSED: Final = 2

_CAMERA_ROWS: Final = " UNION ALL ".join(
    f"SELECT message_id, sequence, sent_to_server FROM {table}"  # noqa: S608 - our own names
    for table in ("detection_results", "face_results", "health_checks", "evictions")
)
_CENTRE_ROWS: Final = (
    "SELECT device_id, message_id, image_sha256, image_status, substr(received_at, 1, 10) "
    "FROM lpr_detections UNION ALL "
    "SELECT device_id, message_id, image_sha256, image_status, substr(received_at, 1, 10) "
    "FROM face_detections UNION ALL "
    "SELECT device_id, message_id, NULL, NULL, NULL FROM health_monitors UNION ALL "
    "SELECT device_id, message_id, NULL, NULL, NULL FROM evictions"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraBooks:
    """A camera's own account, and its witness: ids of committed rows with their picture's hash."""

    name: str
    rows: dict[str, int]
    sequences: list[int]
    witness: dict[str, str | None]
    not_recorded: int
    captured: int
    waiting: int
    acknowledged: int
    refused: int
    evicted: int
    last_sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRow:
    """A row of the server; `picture_sha256` is computed from the bytes that it keeps."""

    message_id: str
    image_status: str | None
    picture_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CentreBooks:
    """The server's rows by camera, and what its own books say: rows stored, last sequence."""

    rows: dict[str, list[StoredRow]]
    stored: dict[str, tuple[int, int]]


@dataclass(slots=True)
class Verdict:
    """The sums over all cameras; `faults` says in words what does not add up."""

    captured: int = 0
    on_server: int = 0
    lost: int = 0
    duplicated: int = 0
    refused: int = 0
    evicted: int = 0
    unknown: int = 0
    with_picture: int = 0
    pictures_evicted: int = 0
    differing: int = 0
    not_recorded: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        wrong = self.lost or self.duplicated or self.differing or self.unknown
        return not wrong and not self.faults


def read_camera(name: str, database: Path, witness: Path) -> CameraBooks:
    connection = _open(database)
    try:
        rows: list[tuple[Any, ...]] = connection.execute(_CAMERA_ROWS).fetchall()
        counts: Any = connection.execute(
            "SELECT captured, waiting, acknowledged, refused, evicted, last_sequence FROM store"
        ).fetchone()
        sound = connection.pragma("integrity_check")
    finally:
        connection.close()
    if sound != "ok":
        raise ValueError(f"{database}: {sound}")
    lines = [line.split() for line in witness.read_text(encoding="ascii").splitlines()]
    captured, waiting, acknowledged, refused, evicted, last_sequence = counts
    return CameraBooks(
        name=name,
        rows={message_id: flag for message_id, _, flag in rows},
        sequences=sorted(sequence for _, sequence, _ in rows),
        witness={line[0]: None if line[2] == "-" else line[2] for line in lines if line[0] != "-"},
        not_recorded=sum(line[0] == "-" for line in lines),
        captured=captured,
        waiting=waiting,
        acknowledged=acknowledged,
        refused=refused,
        evicted=evicted,
        last_sequence=last_sequence,
    )


def read_centre(database: Path, pictures: Path) -> CentreBooks:
    connection = _open(database)
    days: dict[str, apsw.Connection] = {}
    rows: dict[str, list[StoredRow]] = {}
    try:
        for device, message_id, sha256, status, day in connection.execute(_CENTRE_ROWS):
            if sha256 and day not in days:
                days[str(day)] = _open(pictures / f"{day}.db")
            content = _picture(days[str(day)], str(sha256)) if sha256 else None
            rows.setdefault(str(device), []).append(
                StoredRow(
                    message_id=str(message_id),
                    image_status=None if status is None else str(status),
                    picture_sha256=hashlib.sha256(content).hexdigest() if content else None,
                )
            )
        stored: list[tuple[Any, ...]] = connection.execute(
            "SELECT c.device_id, sum(e.rows_stored), max(e.last_sequence) "
            "FROM camera_epochs AS e JOIN cameras AS c ON c.id = e.camera GROUP BY 1"
        ).fetchall()
    finally:
        for opened in (connection, *days.values()):
            opened.close()
    return CentreBooks(rows=rows, stored={device: (count, last) for device, count, last in stored})


def judge(cameras: Iterable[CameraBooks], centre: CentreBooks) -> Verdict:
    """Adds everything up. Pure."""
    verdict = Verdict()
    names = set()
    for camera in cameras:
        names.add(camera.name)
        _judge_camera(camera, centre, verdict)
    for stranger in set(centre.rows) - names:
        verdict.unknown += len(centre.rows[stranger])
    return verdict


def _judge_camera(camera: CameraBooks, centre: CentreBooks, verdict: Verdict) -> None:
    held = Counter(row.message_id for row in centre.rows.get(camera.name, []))
    captured = {*camera.witness, *camera.rows}
    refused = {row_id for row_id, flag in camera.rows.items() if flag == REFUSED}
    gone = set(camera.witness) - set(camera.rows) - set(held)
    verdict.captured += len(captured)
    verdict.on_server += len(held)
    # An evicted row is gone from the camera; its own books count it, and name it in `evictions`.
    verdict.lost += len(captured - set(held) - refused - gone)
    verdict.lost += max(0, len(gone) - camera.evicted)
    verdict.duplicated += sum(held.values()) - len(held)
    verdict.unknown += len(set(held) - captured)
    verdict.refused += len(refused)
    verdict.evicted += camera.evicted
    verdict.not_recorded += camera.not_recorded
    _compare_pictures(camera, centre.rows.get(camera.name, []), verdict)
    verdict.faults += _contradictions(camera, centre, held)


def _compare_pictures(camera: CameraBooks, rows: list[StoredRow], verdict: Verdict) -> None:
    for row in rows:
        taken = camera.witness.get(row.message_id)
        if taken is None:
            # No witness (killed in between) or no picture: what there is must be whole.
            verdict.differing += row.image_status == "invalid"
            continue
        verdict.with_picture += 1
        if row.image_status == "evicted":
            verdict.pictures_evicted += 1
        else:
            verdict.differing += row.picture_sha256 != taken


def _contradictions(camera: CameraBooks, centre: CentreBooks, held: Counter[str]) -> list[str]:
    """What the books say of each other that is not so."""
    flags = Counter(camera.rows.values())
    stored, last_sequence = centre.stored.get(camera.name, (0, 0))
    acknowledged = {row_id for row_id, flag in camera.rows.items() if flag == ACKNOWLEDGED}
    gone = len(set(camera.witness) - set(camera.rows))
    sums = camera.waiting + camera.acknowledged + camera.refused + camera.evicted
    statements = [
        (camera.captured == sums, f"captured {camera.captured}, accounted for {sums}"),
        (
            camera.captured == len(camera.rows) + camera.evicted,
            f"captured {camera.captured}, in the database {len(camera.rows)}",
        ),
        (camera.waiting == flags[WAITING] == 0, f"{camera.waiting} rows still wait"),
        (camera.acknowledged == flags[ACKNOWLEDGED], "acknowledged rows and their count differ"),
        (camera.refused == flags[REFUSED], "refused rows and their count differ"),
        (acknowledged <= set(held), f"{len(acknowledged - set(held))} false acknowledgements"),
        (
            gone <= camera.evicted,
            f"{gone} committed rows gone from the database, {camera.evicted} evicted",
        ),
        (
            len(set(camera.sequences)) == len(camera.sequences)
            and camera.last_sequence == len(camera.sequences) + camera.evicted,
            f"{len(camera.sequences)} sequences up to {camera.last_sequence}",
        ),
        (stored == sum(held.values()), f"server's books: {stored} rows, it has {held.total()}"),
        (
            last_sequence == camera.last_sequence,
            f"last sequence {camera.last_sequence}, the server's books say {last_sequence}",
        ),
    ]
    return [f"{camera.name}: {text}" for holds, text in statements if not holds]


def _picture(connection: apsw.Connection, sha256: str) -> bytes | None:
    found: Any = connection.execute(
        "SELECT content FROM pictures WHERE sha256 = ?", (sha256,)
    ).fetchone()
    return bytes(found[0]) if found else None


def _open(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(5_000)
    return connection

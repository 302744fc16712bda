"""All that is held on one person: given to whoever has a right to it, or taken away and proved."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from server.faces import ledger, person_rows
from server.faces.contract import ForgetReport
from server.faces.gallery import Gallery
from server.faces.vault import PictureVault
from server.storage.asking import Reader

_VECTOR: Final = ("model", "model_version", "float32_little_endian_hex")


def forget(gallery: Gallery, class_id: int, now: datetime) -> ForgetReport:
    """Takes everything away, then looks for it in every table and in the index. Raises NotThere."""
    taken = gallery.change(lambda book: book.forget(class_id))
    left = gallery.read(lambda reader: ledger.left_of(reader, class_id))
    left["index"] = gallery.index_has(taken.embeddings)
    return ForgetReport(
        class_id=class_id,
        pictures=taken.rows["face_pictures"],
        embeddings=taken.rows["face_embeddings"],
        negatives=taken.rows["face_negatives"],
        matches=taken.rows["face_matches"],
        index_entries=len(taken.embeddings),
        left=left,
        forgotten_at=now,
    )


def archive_of(reader: Reader, class_id: int, vault: PictureVault, now: datetime) -> bytes:
    """A ZIP: `person.json`, and every picture as a JPEG. Raises NotThere, PictureLocked."""
    person = person_rows.find(reader, class_id)
    told = {
        "person": asdict(person),
        "exported_at": now,
        "pictures": list(_pictures(reader, class_id)),
        "embeddings": list(_embeddings(reader, class_id)),
        "faces_said_not_to_be_this_person": list(_denied(reader, class_id)),
        "seen_by_cameras": list(_matches(reader, class_id)),
        "watched_for": list(_watched(reader, class_id)),
        "alerts": list(_alerts(reader, class_id)),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("person.json", json.dumps(told, indent=2, ensure_ascii=False, default=str))
        rows = reader.rows(
            "SELECT image_id, content, source_sha256 FROM face_pictures WHERE class_id = ? "
            "ORDER BY image_id",
            (class_id,),
        )
        for image_id, kept, name in rows:
            content = vault.opened(bytes(kept), name=name)
            archive.writestr(f"pictures/{image_id}.jpg", content, zipfile.ZIP_STORED)
    return packed.getvalue()


def _pictures(reader: Reader, class_id: int) -> Iterator[dict[str, Any]]:
    rows = reader.rows(
        "SELECT image_id, source_sha256, quality, source, added_at FROM face_pictures "
        "WHERE class_id = ? ORDER BY image_id",
        (class_id,),
    )
    for image_id, source_sha256, quality, source, added_at in rows:
        yield {
            "image_id": image_id,
            "file": f"pictures/{image_id}.jpg",
            "source_sha256": source_sha256,
            "quality": json.loads(quality),
            "source": source,
            "added_at": added_at,
        }


def _matches(reader: Reader, class_id: int) -> Iterator[dict[str, Any]]:
    rows = reader.rows(
        "SELECT sighting_id, device_id, seen_at, score, probability, model, model_version "
        "FROM face_matches WHERE class_id = ? ORDER BY match_id",
        (class_id,),
    )
    names = ("sighting_id", "camera", "seen_at", "score", "probability", "model", "model_version")
    for row in rows:
        yield dict(zip(names, row, strict=True))


def _watched(reader: Reader, class_id: int) -> Iterator[dict[str, Any]]:
    rows = reader.rows(
        "SELECT l.name, e.reason, e.valid_from, e.valid_until, e.changed_at "
        "FROM watchlist_entries e JOIN watchlists l ON l.id = e.list_id "
        "WHERE e.class_id = ? AND e.deleted_at IS NULL ORDER BY e.id",
        (class_id,),
    )
    names = ("list", "reason", "valid_from", "valid_until", "changed_at")
    for row in rows:
        yield dict(zip(names, row, strict=True))


def _alerts(reader: Reader, class_id: int) -> Iterator[dict[str, Any]]:
    rows = reader.rows(
        "SELECT list_name, reason, sighting_id, device_id, captured_at, raised_at, verdict, note "
        "FROM alerts WHERE class_id = ? ORDER BY id",
        (class_id,),
    )
    names = ("list", "reason", "sighting_id", "camera", "seen_at", "raised_at", "verdict", "note")
    for row in rows:
        yield dict(zip(names, row, strict=True))


def _embeddings(reader: Reader, class_id: int) -> Iterator[dict[str, Any]]:
    rows = reader.rows(
        "SELECT model, model_version, hex(vector) FROM face_embeddings WHERE class_id = ?",
        (class_id,),
    )
    for row in rows:
        yield dict(zip(_VECTOR, row, strict=True))


def _denied(reader: Reader, class_id: int) -> Iterator[dict[str, Any]]:
    """Who said so is a person of their own, and in no archive of another."""
    rows = reader.rows(
        "SELECT noted_at, source, sighting_id, model, model_version, hex(vector) "
        "FROM face_negatives WHERE class_id = ? ORDER BY negative_id",
        (class_id,),
    )
    for row in rows:
        yield dict(zip(("denied_at", "source", "sighting_id", *_VECTOR), row, strict=True))

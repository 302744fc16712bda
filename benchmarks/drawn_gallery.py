"""Galleries of drawn identities, without pictures, to measure searches in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.face_search import PICTURES_EACH, directions, draws
from server.faces.contract import PersonDetails
from server.faces.gallery import Gallery
from server.faces.keeping import ModelKey, NewPicture
from server.faces.ledger import Ledger
from server.faces.looking import Wanted, models_here
from server.storage.adoption import prepare_database
from server.storage.gallery import SqliteGalleryDatabase
from vision.networks import Networks, NetworkSettings

GALLERY_SEED: Final = 7
_ENROLLED_AT_ONCE: Final = 2000


def gallery_model(models: Path) -> ModelKey:
    """Of the embedder in a folder; raises FileNotFoundError where nobody could be enrolled."""
    networks = Networks(NetworkSettings(threads=1, models_folder=models))
    key = models_here(networks, Wanted()).key
    networks.close()
    if key is None:
        raise FileNotFoundError(
            f"no face detector and embedder in {models}: its models.toml has to name both "
            "(docs/models.md)"
        )
    return key


def filled(database: Path, model: ModelKey, persons: int) -> Gallery:
    """A gallery of so many drawn identities with PICTURES_EACH vectors each, without pictures."""
    now = datetime.now(UTC)
    prepare_database(database, zone_of=lambda _: UTC, now=now)
    gallery = Gallery(SqliteGalleryDatabase(database), model)
    gallery.open_index()
    random = np.random.default_rng(GALLERY_SEED)
    identities = directions(persons, model.numbers, random)
    seen = [draws(identities, random) for _ in range(PICTURES_EACH)]

    def enrol(book: Ledger, first: int) -> None:
        for number in range(first, min(first + _ENROLLED_AT_ONCE, persons)):
            class_id = book.add_person(PersonDetails(name=f"person {number}"), now)
            for turn, vectors in enumerate(seen):
                picture = NewPicture(
                    source_sha256=f"{number}-{turn}",
                    content=b"",
                    quality={"total": 1.0},
                    source="drawn",
                    vector=vectors[number],
                )
                book.add_picture(class_id, picture, model, now)

    for first in range(0, persons, _ENROLLED_AT_ONCE):
        gallery.change(lambda book, first=first: enrol(book, first))  # type: ignore[misc]
    return gallery

"""One picture of what was misread: each plate, what it says and what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.plate_photographs import Photograph
from benchmarks.plate_scores import Outcome
from vision.pictures import encode_jpeg
from vision.reading import Picture

_TILE_WIDTH, _TILE_HEIGHT, _CAPTION = 380, 200, 46
_COLUMNS = 4
_MARGIN = 0.4


def write_sheet(
    path: Path, failures: Sequence[tuple[str, Photograph, Outcome]], *, quality: int = 90
) -> None:
    """A JPEG or PNG (by its name) with a tile for each failure, given with its set's name."""
    tiles = [_tile(name, photograph, outcome) for name, photograph, outcome in failures]
    blank = np.zeros((_TILE_HEIGHT + _CAPTION, _TILE_WIDTH, 3), np.uint8)
    tiles = tiles or [blank]
    while len(tiles) % _COLUMNS:
        tiles.append(blank)
    rows = [np.hstack(tiles[at : at + _COLUMNS]) for at in range(0, len(tiles), _COLUMNS)]
    sheet = np.asarray(np.vstack(rows), np.uint8)
    if path.suffix.lower() in (".jpg", ".jpeg"):
        height, width = sheet.shape[:2]
        path.write_bytes(encode_jpeg(sheet, width=width, height=height, quality=quality))
        return
    done, data = cv2.imencode(".png", sheet)
    if not done:
        raise OSError(f"{path}: the sheet could not be encoded as PNG")
    path.write_bytes(data.tobytes())


def _tile(name: str, photograph: Photograph, outcome: Outcome) -> Picture:
    tile = np.full((_TILE_HEIGHT + _CAPTION, _TILE_WIDTH, 3), 40, np.uint8)
    crop = photograph.crop(_MARGIN)
    ratio = min((_TILE_WIDTH - 8) / crop.shape[1], _TILE_HEIGHT / crop.shape[0])
    size = (max(1, int(crop.shape[1] * ratio)), max(1, int(crop.shape[0] * ratio)))
    shown = cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC)
    tile[_CAPTION : _CAPTION + size[1], 4 : 4 + size[0]] = shown
    read = ", ".join(
        f"{answer} {confidence:.0%}"
        for answer, confidence in zip(outcome.answers, outcome.confidences, strict=True)
    )
    captions = (f"{name}: {outcome.file[-28:]}", f"is {outcome.truth}, read {read or 'nothing'}")
    for line, caption in enumerate(captions):
        place = (5, 18 + 20 * line)
        cv2.putText(
            tile, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.48, (255, 255, 255), 1, cv2.LINE_AA
        )
    return tile

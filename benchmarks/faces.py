"""Measures face detectors and embeddings on photographs of known people: `python -m
benchmarks.faces`."""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.plate_scores import Rate, is_for_tuning, rate
from vision.faces.choice import DECODERS, EMBEDDING_DECODER, NONE, face_models
from vision.faces.embedding import Embedding, FaceEmbedder, likeness
from vision.faces.quality import quality_of
from vision.networks import Networks, NetworkSettings
from vision.pictures import load_picture
from vision.reading import FaceDetection, FaceDetector, Picture

DEFAULT_FOLDER = Path("../shared/data/faces")
CASCADE = "opencv-frontalface"
FALSE_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two pictures, and whether they show the same person."""

    first: str
    second: str
    is_same: bool

    @property
    def is_for_tuning(self) -> bool:
        """Half of the pairs, whatever their order."""
        return is_for_tuning("+".join(sorted((self.first, self.second))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The largest face of one picture: how long it took, how good it is, its embedding."""

    ms: float
    faces: int
    width_px: float = 0.0
    quality: float = 0.0
    embedding: Embedding | None = None
    embed_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One detector, embedding and kind of picture.

    `pairs` is the accuracy on the check half with `threshold`, the likeness that was best on the
    tune half of the unspoilt pictures; a pair without a face on both sides counts as wrong. Most
    pairs are of two people, so that `same`, of the others, says more. `auc` and
    `tar_at_1_percent` (true accepts where 1% of the others are accepted) need no threshold.
    """

    detector: str
    embedder: str
    pictures: str
    recall: Rate
    more_faces: int
    quality: float
    threshold: float | None
    pairs: Rate | None
    same: Rate | None
    auc: float | None
    tar_at_1_percent: float | None
    detect_p50_ms: float
    detect_p95_ms: float
    embed_p50_ms: float | None


Change = Callable[[Picture, float], Picture]
"""A spoilt copy of a picture whose face is so many pixels wide."""


def to_width(width_px: float) -> Change:
    """Scaled down until the face has that width; smaller ones stay."""

    def scaled(picture: Picture, face_px: float) -> Picture:
        ratio = min(1.0, width_px / face_px)
        size = (max(2, round(picture.shape[1] * ratio)), max(2, round(picture.shape[0] * ratio)))
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)

    return scaled


def blurred(picture: Picture, face_px: float) -> Picture:
    """As out of focus: a Gaussian of a thirtieth of the face's width."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(0.5, face_px / 30)), np.uint8)


def dark(picture: Picture, face_px: float) -> Picture:  # noqa: ARG001 - one of `Change`
    """A tenth of the light, with the noise of a sensor."""
    noise = np.random.default_rng(0).normal(0, 2.5, picture.shape)
    return np.asarray((picture / 10 + noise).clip(0, 255), np.uint8)


def unchanged(picture: Picture, face_px: float) -> Picture:  # noqa: ARG001 - one of `Change`
    return picture


CHANGES: Mapping[str, Change] = {
    "as they are": unchanged,
    "face 80 px": to_width(80),
    "face 40 px": to_width(40),
    "face 20 px": to_width(20),
    "blurred": blurred,
    "dark": dark,
}


def read_pairs(folder: Path) -> list[Pair]:
    with (folder / "pairs.csv").open(encoding="utf-8", newline="") as file:
        return [
            Pair(
                first=one["file_x"], second=one["file_y"], is_same=one["Decision"].strip() == "Yes"
            )
            for one in csv.DictReader(file)
        ]


def look(picture: Picture, detector: FaceDetector, embedder: FaceEmbedder | None) -> Found:
    """What detector and embedding make of one picture."""
    started = time.perf_counter()
    faces = detector.detect(picture)
    ms = (time.perf_counter() - started) * 1000
    if not faces:
        return Found(ms=ms, faces=0)
    face: FaceDetection = max(faces, key=lambda one: one.box.area)
    quality = quality_of(picture, face).total
    embedding, embed_ms = None, None
    if embedder is not None and face.landmarks is not None:
        started = time.perf_counter()
        embedding = embedder.embed(picture, face.landmarks)
        embed_ms = (time.perf_counter() - started) * 1000
    return Found(
        ms=ms,
        faces=len(faces),
        width_px=face.box.width,
        quality=quality,
        embedding=embedding,
        embed_ms=embed_ms,
    )


def likenesses(
    pairs: Iterable[Pair], left: Mapping[str, Found], right: Mapping[str, Found]
) -> list[tuple[float, bool]]:
    """How alike each pair is, first picture of `left` and second of `right`; -1 without a face."""
    found = []
    for pair in pairs:
        one, other = left[pair.first].embedding, right[pair.second].embedding
        value = -1.0 if one is None or other is None else likeness(one, other)
        found.append((value, pair.is_same))
    return found


def best_threshold(found: Sequence[tuple[float, bool]]) -> float:
    """The likeness from which on pairs are best taken for the same; the middle of such."""
    values = sorted({value for value, _ in found})
    edges = [-1.0, *values, 1.0]
    middles = [(a + b) / 2 for a, b in itertools.pairwise(edges)]
    scores = [hits(found, middle) for middle in middles]
    best = [m for m, score in zip(middles, scores, strict=True) if score == max(scores)]
    return best[len(best) // 2]


def area_under(found: Sequence[tuple[float, bool]]) -> float | None:
    """Of the ROC curve: the share of (same, other) pairs of pairs in which the same is more alike,
    ties counting half (Hanley, McNeil 1982); None without both kinds."""
    same = np.array([value for value, is_same in found if is_same])
    other = np.array([value for value, is_same in found if not is_same])
    if not same.size or not other.size:
        return None
    above = (same[:, None] > other[None, :]).mean()
    return float(above + (same[:, None] == other[None, :]).mean() / 2)


def accepted_at(found: Sequence[tuple[float, bool]], false_share: float) -> float | None:
    """The share of pairs of one person at or above the least likeness that at most that share of
    the others reaches; None without both kinds."""
    other = sorted((value for value, is_same in found if not is_same), reverse=True)
    same = [value for value, is_same in found if is_same]
    if not same or not other:
        return None
    # One more false accept than allowed would stand at this place: stay above it.
    edge = other[min(len(other) - 1, int(false_share * len(other)))]
    return sum(value > edge for value in same) / len(same)


def hits(found: Iterable[tuple[float, bool]], threshold: float) -> int:
    return sum((value >= threshold) is is_same for value, is_same in found)


def measure(
    folder: Path, pairs: Sequence[Pair], detector: FaceDetector, embedder: FaceEmbedder | None
) -> list[Summary]:
    """One summary for each kind of picture. Without pairs of a kind only detection is measured."""
    names = sorted({name for pair in pairs for name in (pair.first, pair.second)})
    pictures = {name: load_picture(folder / name) for name in names}
    look(next(iter(pictures.values())), detector, embedder)  # warm
    plain = {name: look(picture, detector, embedder) for name, picture in pictures.items()}
    label = "" if embedder is None else f" + {embedder.model}"
    threshold = None
    if embedder is not None:
        tune = [pair for pair in pairs if pair.is_for_tuning]
        threshold = best_threshold(likenesses(tune, plain, plain))
    summaries = []
    steps = track(CHANGES.items(), detector.model + label, console=Console(stderr=True))
    for kind, change in steps:
        found = {
            name: look(change(picture, plain[name].width_px or 100.0), detector, embedder)
            for name, picture in pictures.items()
        }
        summaries.append(_summary(kind, pairs, plain, found, (detector, embedder, threshold)))
    return summaries


def _summary(
    kind: str,
    pairs: Sequence[Pair],
    plain: Mapping[str, Found],
    found: Mapping[str, Found],
    models: tuple[FaceDetector, FaceEmbedder | None, float | None],
) -> Summary:
    detector, embedder, threshold = models
    accuracy, same, auc, tar = None, None, None, None
    if threshold is not None:
        check = likenesses((pair for pair in pairs if not pair.is_for_tuning), plain, found)
        answered = [one for one in check if one[0] > -1]
        accuracy = rate(hits(answered, threshold), len(check))
        alike = [one for one in check if one[1]]
        same = rate(hits(alike, threshold), len(alike))
        auc, tar = area_under(check), accepted_at(check, FALSE_SHARE)
    times = sorted(one.ms for one in found.values())
    embed_ms = [one.embed_ms for one in found.values() if one.embed_ms is not None]
    seen = [one for one in found.values() if one.faces]
    return Summary(
        detector=detector.model,
        embedder="" if embedder is None else embedder.model,
        pictures=kind,
        recall=rate(len(seen), len(found)),
        more_faces=sum(one.faces - 1 for one in seen),
        quality=statistics.median(one.quality for one in seen) if seen else 0.0,
        threshold=threshold,
        pairs=accuracy,
        same=same,
        auc=auc,
        tar_at_1_percent=tar,
        detect_p50_ms=times[len(times) // 2],
        detect_p95_ms=times[min(len(times) - 1, int(len(times) * 0.95))],
        embed_p50_ms=statistics.median(embed_ms) if embed_ms else None,
    )


def _table(found: Iterable[Summary]) -> Table:
    table = Table(title="faces, 95% Wilson intervals")
    columns = (
        "detector", "embedding", "pictures", "found", "more", "quality", "threshold",
        "pairs right", "same known", "AUC", "TAR at 1%", "detect p50", "p95", "embed p50",
    )  # fmt: skip
    for column in columns:
        is_text = column in ("detector", "embedding", "pictures")
        table.add_column(column, justify="left" if is_text else "right")
    for one in found:
        table.add_row(
            one.detector,
            one.embedder,
            one.pictures,
            _share(one.recall),
            str(one.more_faces),
            f"{one.quality:.2f}",
            "" if one.threshold is None else f"{one.threshold:.3f}",
            "" if one.pairs is None else _share(one.pairs),
            "" if one.same is None else _share(one.same),
            "" if one.auc is None else f"{one.auc:.4f}",
            "" if one.tar_at_1_percent is None else f"{one.tar_at_1_percent:.1%}",
            f"{one.detect_p50_ms:.0f} ms",
            f"{one.detect_p95_ms:.0f} ms",
            "" if one.embed_p50_ms is None else f"{one.embed_p50_ms:.1f} ms",
        )
    return table


def _share(one: Rate) -> str:
    return f"{one.share:.1%} ({one.low:.0%}-{one.high:.0%})"


def _names(networks: Networks, *decoders: str) -> list[str]:
    """Models with such outputs that are here."""
    return [
        entry.name
        for entry in networks.entries()
        if entry.decoder in decoders and networks.is_here(entry.name)
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faces", description=__doc__)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=DEFAULT_FOLDER, help="pictures and a pairs.csv"
    )
    parser.add_argument(
        "--models", type=Path, default=Path("models"), help="the folder of fetched models"
    )
    parser.add_argument("--detectors", help="comma-separated; left out: all that are here")
    parser.add_argument("--embedders", help="comma-separated; left out: all that are here")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one line of JSON for each row")
    options = parser.parse_args(arguments)
    if not (options.folder / "pairs.csv").is_file():
        parser.error(f"no pairs.csv in {options.folder}; give a folder of pictures with one")
    cv2.setNumThreads(options.threads)
    networks = Networks(NetworkSettings(threads=options.threads, models_folder=options.models))
    detectors = _chosen(options.detectors) or _names(networks, "cascade", *DECODERS)
    embedders = _chosen(options.embedders) or _names(networks, EMBEDDING_DECODER) or [NONE]
    pairs = read_pairs(options.folder)
    found: list[Summary] = []
    for detector in detectors:
        # A detector without landmarks has nothing to align by.
        for embedder in [NONE] if detector == CASCADE else embedders:
            models = face_models(networks, detector=detector, embedder=embedder)
            found += measure(options.folder, pairs, models.detector, models.embedder)
    if options.json:
        for one in found:
            print(json.dumps(asdict(one)))
    else:
        Console(width=190).print(_table(found))


def _chosen(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


if __name__ == "__main__":
    main()

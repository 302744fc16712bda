"""Looks into pictures: every face with its quality, its vector and a cut-out to be kept.

Blocking; a looker is used by one thread at a time. Never asks who somebody is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Final

import numpy as np

from server.errors import FacesUnavailable, NotThere, QuestionInvalid
from server.faces.contract import Analysis, Upload
from server.faces.decision import Vector
from server.faces.keeping import ModelKey
from vision.errors import BadPicture, ModelError, ModelMissing
from vision.faces.analysing import FaceAnalyser, face_analyser, part_for
from vision.faces.choice import AUTO, FaceModels, face_models
from vision.faces.embedding import FaceEmbedder
from vision.faces.quality import FaceQuality, quality_of
from vision.geometry import Box
from vision.networks import Networks
from vision.pictures import LEAST_SIDE, decode_picture, encode_jpeg
from vision.reading import FaceDetection, FaceDetector, Picture

MOST_BYTES: Final = 20 * 1024 * 1024
"""Of one picture as it comes."""

MOST_FACES: Final = 32
"""Of one picture, the largest; the others are not looked at."""

CUT_OUT_SIDE: Final = 640
THUMBNAIL_SIDE: Final = 144
CUT_OUT_QUALITY: Final = 92
_CUT_OUT_MARGIN: Final = 0.5
"""Of the face's size on each side: what alignment and another detector need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFace:
    """`vector` None: without landmarks or size enough there is none. `cut_out` is a JPEG."""

    box: Box
    confidence: float
    quality: FaceQuality
    has_landmarks: bool
    vector: Vector | None
    cut_out: bytes
    analyses: tuple[Analysis, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A picture's size in pixels, the SHA-256 of its file, and its faces, the largest first."""

    width: int
    height: int
    sha256: str
    faces: tuple[SeenFace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Models by their names in the manifest; auto: the first that is there."""

    detector: str = AUTO
    embedder: str = AUTO
    analysers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """What serves: names, and the key by which vectors are kept. `problem` says what is missing."""

    detector: str | None
    key: ModelKey | None
    problem: str | None


class FaceLooker:
    """A detector and an embedder of this thread's own; the networks are the pool's."""

    def __init__(
        self,
        detector: FaceDetector,
        embedder: FaceEmbedder,
        analysers: Sequence[FaceAnalyser] = (),
    ) -> None:
        self._detector = detector
        self._embedder = embedder
        self._analysers = analysers

    def look(self, upload: Upload) -> Seen:
        """Raises QuestionInvalid for what is no usable picture, FacesUnavailable where a model
        breaks. What is EXIF-rotated, of 16 bits, CMYK or animated is taken as
        `vision.pictures.decode_picture` says."""
        if len(upload.content) > MOST_BYTES:
            raise QuestionInvalid(
                f"{upload.name}: {len(upload.content)} bytes, expected at most {MOST_BYTES}"
            )
        try:
            picture = decode_picture(upload.content, name=upload.name)
            found = sorted(self._detector.detect(picture), key=lambda face: -face.box.area)
            faces = tuple(self._seen(picture, face) for face in found[:MOST_FACES])
        except BadPicture as error:
            raise QuestionInvalid(str(error)) from error
        except ModelError as error:
            raise FacesUnavailable(f"faces cannot be looked for: {error}") from error
        height, width = picture.shape[:2]
        return Seen(
            width=width,
            height=height,
            sha256=upload.sha256,
            faces=faces,
        )

    def _seen(self, picture: Picture, face: FaceDetection) -> SeenFace:
        quality = quality_of(picture, face)
        vector = None
        if face.landmarks is not None and quality.size > 0:
            try:
                vector = self._embedder.embed(picture, face.landmarks)
            except ValueError:  # the landmarks coincide: no face can be laid upright by them
                vector = None
        return SeenFace(
            box=face.box,
            confidence=face.confidence,
            quality=quality,
            has_landmarks=face.landmarks is not None,
            vector=vector,
            cut_out=cut_out(picture, face.box),
            analyses=self._analysed(picture, face.box) if quality.size > 0 else (),
        )

    def _analysed(self, picture: Picture, box: Box) -> tuple[Analysis, ...]:
        return tuple(
            Analysis(
                task=each.task,
                model=each.model,
                model_version=each.version,
                scores=each.analyse(part_for(picture, box, each.crop)),
            )
            for each in self._analysers
        )


def cut_out(picture: Picture, box: Box, *, side: int = CUT_OUT_SIDE) -> bytes:
    """The face and what is close around it as a JPEG that fits such a square: nobody else's is
    kept."""
    height, width = picture.shape[:2]
    grown = box.grown(box.width * _CUT_OUT_MARGIN, box.height * _CUT_OUT_MARGIN)
    x, y, part_width, part_height = grown.clipped(width, height).as_xywh()
    x, y = min(x, width - LEAST_SIDE), min(y, height - LEAST_SIDE)
    part = picture[y : y + max(LEAST_SIDE, part_height), x : x + max(LEAST_SIDE, part_width)]
    return encode_jpeg(np.ascontiguousarray(part), width=side, height=side, quality=CUT_OUT_QUALITY)


def face_cut_out(content: bytes, at: Box, *, side: int = CUT_OUT_SIDE) -> bytes:
    """A JPEG of the face there, in shares of the picture, and what is close. Raises NotThere where
    the picture cannot be shown. Blocking."""
    try:
        picture = decode_picture(content)
    except BadPicture as error:
        raise NotThere(f"the picture cannot be shown: {error}") from error
    height, width = picture.shape[:2]
    return cut_out(picture, at.denormalised(width, height), side=side)


def thumbnail(jpeg: bytes) -> bytes:
    """A small JPEG of what an enrolment picture shows. Blocking."""
    return face_cut_out(jpeg, Box(x1=0.0, y1=0.0, x2=1.0, y2=1.0), side=THUMBNAIL_SIDE)


def make_looker(networks: Networks, wanted: Wanted) -> FaceLooker:
    """Opens the networks. Raises FacesUnavailable saying what is missing and how to get it."""
    models = _opened(networks, wanted)
    problem = _problem(models, networks)
    if models.embedder is None or problem is not None:
        raise FacesUnavailable(problem or "there is no embedding model")
    return FaceLooker(models.detector, models.embedder, _analysers(networks, wanted))


def models_here(networks: Networks, wanted: Wanted) -> Models:
    """What would serve; loads it once, to know how many numbers a vector has."""
    try:
        models = _opened(networks, wanted)
        problem = _problem(models, networks)
        if models.embedder is None or problem is not None:
            return Models(detector=models.detector.model, key=None, problem=problem)
        _analysers(networks, wanted)
        numbers = _numbers(models.embedder)
    except FacesUnavailable as error:
        return Models(detector=None, key=None, problem=str(error))
    except ModelError as error:
        return Models(detector=None, key=None, problem=f"faces cannot be looked for: {error}")
    entry = networks.entry(models.embedder.model)
    key = ModelKey(name=entry.name, version=entry.version, numbers=numbers)
    return Models(detector=models.detector.model, key=key, problem=None)


def _opened(networks: Networks, wanted: Wanted) -> FaceModels:
    try:
        return face_models(networks, detector=wanted.detector, embedder=wanted.embedder)
    except ModelMissing as error:
        raise FacesUnavailable(f"{error}; faces need both models: {_fetching(networks)}") from error
    except ModelError as error:
        raise FacesUnavailable(f"faces cannot be looked for: {error}") from error


def _analysers(networks: Networks, wanted: Wanted) -> tuple[FaceAnalyser, ...]:
    try:
        return tuple(face_analyser(networks, name) for name in wanted.analysers)
    except ModelError as error:
        raise FacesUnavailable(
            f"a model of SERVER_FACE_ANALYSERS={','.join(wanted.analysers)} cannot be used: {error}"
        ) from error


def _problem(models: FaceModels, networks: Networks) -> str | None:
    if models.embedder is None:
        return f"there is no embedding model on this machine: {_fetching(networks)}"
    if models.detector.model == "opencv-frontalface":
        return f"there is no face detector that locates eyes, nose and mouth: {_fetching(networks)}"
    return None


def _fetching(networks: Networks) -> str:
    """The command, with this server's own interpreter and the folder where it looks, whichever one
    it is typed in."""
    folder = networks.models_folder
    place = "" if folder is None else f"AGENT_MODELS_DIR={quote(str(folder.resolve()))} "
    return (
        f"{place}{quote(sys.executable or 'python')} -m agent models fetch yunet-2023mar "
        "sface-2021dec; then start the server again"
    )


def _numbers(embedder: FaceEmbedder) -> int:
    grey = np.full((112, 112, 3), 127, np.uint8)
    marks = ((38.0, 52.0), (74.0, 52.0), (56.0, 72.0), (42.0, 92.0), (71.0, 92.0))
    return int(embedder.embed(grey, marks).size)


LookerMaker = Callable[[], FaceLooker]
"""Makes the looker of a thread."""

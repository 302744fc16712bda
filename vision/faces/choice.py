"""Which face models serve: the one that is asked for, or the best that is on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vision.backends.backend import Backend
from vision.errors import AcceleratorFailed, ModelMissing
from vision.faces import cascade, scrfd, yunet
from vision.faces.cascade import CascadeFaceDetector
from vision.faces.embedding import FaceEmbedder
from vision.faces.scrfd import ScrfdFaceDetector
from vision.faces.yunet import YunetFaceDetector
from vision.input import InputSpec
from vision.manifest import ModelFormat
from vision.networks import Networks
from vision.pool.budget import Priority
from vision.reading import FaceDetector

AUTO, NONE = "auto", "none"
CASCADE = "opencv-frontalface"

DECODERS: Mapping[str, Callable[[Backend, InputSpec, float | None], FaceDetector]] = {
    "scrfd": lambda backend, pixels, least: ScrfdFaceDetector(
        backend, pixels=pixels, least_confidence=scrfd.LEAST_CONFIDENCE if least is None else least
    ),
    "yunet": lambda backend, pixels, least: YunetFaceDetector(
        backend, pixels=pixels, least_confidence=yunet.LEAST_CONFIDENCE if least is None else least
    ),
}
"""Detectors by the manifest's decoder name; the last argument is the least confidence."""

HIDING_CONFIDENCE = 0.2
"""Least confidence where faces are looked for to be hidden: a false one costs a blurred spot. One
cut off by the picture's edge was found at 0.38 and 0.22 by SCRFD and YuNet; twelve photographs of
cars gave one and three false ones."""

EMBEDDING_DECODER = "arcface"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceModels:
    """What finds and embeds faces; `notices` say where it is not what was asked for."""

    detector: FaceDetector
    embedder: FaceEmbedder | None
    notices: tuple[str, ...] = ()


def face_models(
    networks: Networks,
    *,
    detector: str = AUTO,
    embedder: str = AUTO,
    least_confidence: float | None = None,
) -> FaceModels:
    """`detector` and `embedder` are names in the manifest, `auto` or (the embedder) `none`.

    `auto` takes the first ONNX model of the manifest whose file is here, and OpenCV's cascade where
    there is none. Where an accelerator fails, what `auto` gives serves instead, with a notice.
    `least_confidence` None is each detector's own. Raises an error of `ModelError`.
    """
    notices: list[str] = []
    try:
        found = _detector(networks, _chosen(networks, detector, tuple(DECODERS)), least_confidence)
    except AcceleratorFailed as error:
        found = _detector(networks, _chosen(networks, AUTO, tuple(DECODERS)), least_confidence)
        notices.append(f"{error}; faces are found by {found.model} on the processor instead")
    embedding = None
    name = None if embedder == NONE else _chosen(networks, embedder, (EMBEDDING_DECODER,))
    if name is not None:
        entry = networks.entry(name)
        embedding = FaceEmbedder(
            networks.open(name, priority=Priority.MEDIUM), entry.input, version=entry.version
        )
    return FaceModels(detector=found, embedder=embedding, notices=tuple(notices))


def _chosen(networks: Networks, asked: str, decoders: tuple[str, ...]) -> str | None:
    """The model's name; None where `auto` finds none. Raises `ModelMissing` for a wrong one."""
    fitting = [entry for entry in networks.entries() if entry.decoder in decoders]
    if asked == AUTO:
        onnx = (entry.name for entry in fitting if entry.format is ModelFormat.ONNX)
        return next((name for name in onnx if networks.is_here(name)), None)
    if asked == CASCADE:
        return None
    if asked not in {entry.name for entry in fitting}:
        raise ModelMissing(
            f"no model for this is named {asked!r}; there are "
            f"{', '.join(entry.name for entry in fitting)} (and {AUTO})"
        )
    return asked


def _detector(networks: Networks, name: str | None, least: float | None) -> FaceDetector:
    if name is None:
        return CascadeFaceDetector(
            least_confidence=cascade.LEAST_CONFIDENCE if least is None else least
        )
    entry = networks.entry(name)
    backend = networks.open(name, priority=Priority.HIGH)
    return DECODERS[entry.decoder or ""](backend, entry.input, least)

"""The networks, readers and detectors that the settings ask for; what serves instead is logged."""

from __future__ import annotations

import structlog

from agent.config import AgentSettings
from vision.backends.hailo_share import HailoShare
from vision.detectors.guided_reader import GuidedPlateReader
from vision.detectors.slots import object_detector
from vision.faces.choice import HIDING_CONFIDENCE, NONE, FaceModels, face_models
from vision.networks import Networks, NetworkSettings
from vision.plates.reader import EmbeddedPlateReader
from vision.pool.memory import PoolSettings
from vision.reading import FaceDetector, PlateReader

log = structlog.get_logger(__name__)


def make_networks(settings: AgentSettings, hailo: HailoShare | None = None) -> Networks:
    """Every network comes from here; those of one process share one `hailo`."""
    networks = Networks(
        NetworkSettings(
            threads=settings.threads,
            providers=settings.onnx_providers,
            runtime=settings.model_runtime,
            models_folder=settings.models_dir,
            pool=PoolSettings(
                memory_share=settings.model_memory_share,
                gpu_reserve_mb=settings.gpu_reserve_mb,
                cleanup_share=settings.model_cleanup_share,
                warning_share=settings.model_warning_share,
            ),
        ),
        hailo=hailo,
    )
    for notice in networks.notices:
        log.warning("%s", notice)
    return networks


def make_plate_reader(settings: AgentSettings, networks: Networks) -> PlateReader:
    """The embedded reader, guided by detectors of plates and vehicles where there are any."""
    reader = EmbeddedPlateReader(
        regions=settings.regions,
        threads=settings.threads,
        personal=settings.personal_plates,
        networks=networks,
    )
    names = (settings.plate_detector, settings.vehicle_detector)
    if not any(names):
        return reader
    plates, vehicles = (object_detector(networks, name) if name else None for name in names)
    return GuidedPlateReader(reader, plates=plates, vehicles=vehicles)


def make_any_plate_reader(settings: AgentSettings, networks: Networks) -> PlateReader:
    """One that knows the plates of all regions, is not guided and looks for small ones beside large
    ones: for what is to be hidden."""
    return EmbeddedPlateReader(threads=settings.threads, networks=networks, is_thorough=True)


def make_hiding_detector(settings: AgentSettings, networks: Networks) -> FaceDetector:
    """The same detector of faces, but taking doubtful ones for faces: for what is to be hidden."""
    return face_models(
        networks,
        detector=settings.face_detector,
        embedder=NONE,
        least_confidence=HIDING_CONFIDENCE,
    ).detector


def make_face_models(settings: AgentSettings, networks: Networks) -> FaceModels:
    models = face_models(networks, detector=settings.face_detector, embedder=settings.face_embedder)
    for notice in models.notices:
        log.warning("%s", notice)
    return models

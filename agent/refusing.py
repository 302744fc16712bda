"""Settings whose fault shows only beside files and networks: refused before anything is opened."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from agent.building import uplink_settings_of
from agent.config import AgentSettings
from agent.errors import AddressRefused
from agent.uplink.dial import check_address
from settings.loading import SettingsInvalid
from vision.detectors import slots
from vision.errors import ModelMissing
from vision.faces import choice
from vision.manifest import locate, model_entry


def refuse_unusable(settings: AgentSettings, *, watches: bool, sends: bool) -> None:
    """Raises SettingsInvalid with a paragraph for each. `watches`: it needs the models."""
    complaints = [
        *(_models(settings) if watches else ()),
        *(_address(settings) if sends else ()),
    ]
    if complaints:
        raise SettingsInvalid("\n".join(complaints))


def _address(settings: AgentSettings) -> Iterator[str]:
    try:
        check_address(uplink_settings_of(settings))
    except AddressRefused as error:
        yield str(error)


def _models(settings: AgentSettings) -> Iterator[str]:
    """Of the models that are asked for by name: unknown ones, and those whose file is not here."""
    for key, name, decoders in _asked(settings):
        try:
            entry = model_entry(name, settings.models_dir)
            locate(entry, models_folder=settings.models_dir)
        except ModelMissing as error:
            yield f"{key}={name} cannot be used: {error}"
            continue
        if entry.decoder not in decoders:
            yield (
                f"{key}={name} cannot be used: that model is for {entry.task}; "
                "'python -m agent models list' shows what there is"
            )


def _asked(settings: AgentSettings) -> Iterator[tuple[str, str, Collection[str]]]:
    """Key, name in the manifest, and what may decode its outputs."""
    if settings.plate_detector:
        yield "AGENT_PLATE_DETECTOR", settings.plate_detector, slots.DECODERS.keys()
    if settings.vehicle_detector:
        yield "AGENT_VEHICLE_DETECTOR", settings.vehicle_detector, slots.DECODERS.keys()
    if not (settings.detect_faces or settings.blur):
        return
    if settings.face_detector not in (choice.AUTO, choice.CASCADE):
        yield "AGENT_FACE_DETECTOR", settings.face_detector, choice.DECODERS.keys()
    if settings.detect_faces and settings.face_embedder not in (choice.AUTO, choice.NONE):
        yield "AGENT_FACE_EMBEDDER", settings.face_embedder, (choice.EMBEDDING_DECODER,)

"""Puts what an operator has set in force: on the pipeline and on the camera, now and later."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from agent.camera.controls import CameraControls, Offer
from agent.camera.factory import controls_of
from agent.camera.uri import SourceUri
from agent.config import AgentSettings
from agent.outbox.durable import write_durably
from agent.pipeline.area import Area
from agent.pipeline.rules import RuleSettings
from agent.pipeline.settings import PipelineSettings
from agent.tuning import CameraOffer, Tuning
from agent.tuning_file import TuningFile


class AdjustedPipeline(Protocol):
    """A pipeline whose rules change while it runs."""

    def adjust(self, *, rules: RuleSettings, area: Area) -> None: ...


class ControlledCamera(Protocol):
    """A camera that is set while it runs."""

    def control(self, controls: CameraControls) -> None: ...


def make_tuning(
    settings: AgentSettings, pipeline: AdjustedPipeline, capture: ControlledCamera
) -> TuningFile:
    """What an operator has set, put in force now and with each change."""
    base = Tuning(min_confidence=settings.min_confidence, cooldown_s=settings.cooldown_s)
    path = settings.db_path.with_name(settings.db_path.name + ".settings")
    tuning = TuningFile(path, base=base, write=write_durably)
    defaults = PipelineSettings().rules

    def apply(now: Tuning) -> None:
        rules = replace(
            defaults,
            min_confidence=_or(now.min_confidence, settings.min_confidence),
            cooldown_s=_or(now.cooldown_s, settings.cooldown_s),
        )
        line = None if now.line is None else (now.line.start, now.line.end)
        zones = tuple(zone.points for zone in now.zones)
        pipeline.adjust(rules=rules, area=Area(zones=zones, line=line))
        capture.control(camera_controls(now))

    tuning.on_change(apply)
    return tuning


def camera_controls(tuning: Tuning) -> CameraControls:
    camera = tuning.camera
    exposure_ms = camera.exposure_ms
    return CameraControls(
        brightness=camera.brightness,
        contrast=camera.contrast,
        saturation=camera.saturation,
        sharpness=camera.sharpness,
        awb_mode=camera.awb_mode,
        focus=camera.focus,
        exposure_s=None if exposure_ms is None else exposure_ms / 1000,
        gain=camera.gain,
    )


def settable(uri: SourceUri, known: Offer | None = None) -> CameraOffer:
    """What the camera takes, by the fields of `CameraTuning`; what its kind may take where what it
    takes is not `known` (by the fields of `CameraControls`) yet."""
    offer = known or Offer(fields=controls_of(uri))
    fields = frozenset("exposure_ms" if name == "exposure_s" else name for name in offer.fields)
    limits = {name: limit for name, limit in offer.limits.items() if name != "exposure_s"}
    if (shutter := offer.limits.get("exposure_s")) is not None:
        limits["exposure_ms"] = (round(1000 * shutter[0], 3), round(1000 * shutter[1], 3))
    return CameraOffer(fields=fields, limits=limits)


def _or(chosen: float | None, otherwise: float) -> float:
    return otherwise if chosen is None else chosen

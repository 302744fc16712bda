"""Single parts from the settings, as both `run` and `send` need them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
from msgspec import structs

from agent.clock import SystemClock
from agent.config import AgentSettings
from agent.delivery import StoreIdentity
from agent.errors import AgentError
from agent.lock import sender_lock_of
from agent.outbox.inspection import Inspection
from agent.outbox.naming import MessageIds, system_random
from agent.outbox.opening import Opened, open_outbox
from agent.outbox.quota import Limits
from agent.outbox.sending import SendingStore
from agent.outbox.spool import PictureFormat
from agent.outbox.store import Outbox
from agent.pipeline.privacy import (
    PrivacyScreen,
    PrivacySettings,
    ScreenedSightings,
    SightingSource,
    read_watchlist,
)
from agent.pipeline.runner import Pipeline
from agent.pipeline.settings import PipelineSettings
from agent.seeing import (
    make_any_plate_reader,
    make_face_models,
    make_hiding_detector,
    make_plate_reader,
)
from agent.uplink.greeting import hello_of
from agent.uplink.sender import Sender
from agent.uplink.settings import Identity, UplinkSettings
from settings.showing import secrets_of
from telemetry.error_book import ErrorBook, file_beside
from telemetry.logging import configure_logging
from telemetry.redaction import secrets_in
from telemetry.tracing import RowTracer, TracingUnavailable, tracer_to
from telemetry.version import VERSION
from vision.networks import Networks
from wire.v1 import Hello

MEGABYTE: Final = 1_000_000


def opened_outbox(settings: AgentSettings, clock: SystemClock) -> Opened:
    """Sets a corrupt database aside, where it is one of ours."""
    return open_outbox(
        settings.db_path,
        settings.name,
        clock=clock,
        open_with=lambda: Outbox.open(
            settings.db_path,
            settings.images_dir,
            settings.name,
            clock=clock,
            picture_format=picture_format_of(settings),
            is_default_name=not settings.device_id,
        ),
    )


def make_pipeline(settings: AgentSettings, networks: Networks) -> Pipeline:
    defaults = PipelineSettings()
    rules = replace(
        defaults.rules, min_confidence=settings.min_confidence, cooldown_s=settings.cooldown_s
    )
    faces = make_face_models(settings, networks) if settings.detect_faces else None
    face_settings = replace(defaults.faces, keeps_embeddings=settings.send_embeddings)
    return Pipeline(
        reader=make_plate_reader(settings, networks),
        settings=replace(defaults, rules=rules, faces=face_settings),
        face_detector=faces.detector if faces else None,
        face_embedder=faces.embedder if faces else None,
        performance=networks.performance,
    )


def make_sightings(
    settings: AgentSettings, pipeline: SightingSource, networks: Networks
) -> SightingSource:
    """The pipeline, or, with AGENT_BLUR, its sightings with blurred pictures.

    Raises WatchlistUnreadable and errors of `ModelError`.
    """
    if not settings.blur:
        return pipeline
    watched = settings.watchlist_file
    privacy = PrivacySettings(
        faces="faces" in settings.blur,
        plates="plates" in settings.blur,
        watchlist=frozenset() if watched is None else read_watchlist(watched),
    )
    screen = PrivacyScreen(
        privacy,
        detector=make_hiding_detector(settings, networks),
        reader=make_any_plate_reader(settings, networks),
    )
    return ScreenedSightings(pipeline, screen)


def make_tracer(settings: AgentSettings) -> RowTracer | None:
    """Raises AgentError where traces are wanted and cannot be made."""
    if not settings.traces_url:
        return None
    try:
        return tracer_to(settings.traces_url, service="sightpost-agent", instance=settings.name)
    except TracingUnavailable as error:
        raise AgentError(f"AGENT_TRACES_URL: {error}") from error


def make_sender(
    settings: AgentSettings,
    store: SendingStore,
    clock: SystemClock,
    *,
    tracer: RowTracer | None = None,
) -> Sender:
    return Sender(
        store,
        settings=uplink_settings_of(settings),
        identity=identity_of(settings),
        clock=clock,
        lock_path=sender_lock_of(settings.db_path),
        tracer=tracer,
    )


def identity_of(settings: AgentSettings) -> Identity:
    return Identity(
        hostname=settings.hostname, checkpoint_id=settings.checkpoint_id, agent_version=VERSION
    )


def trial_hello(settings: AgentSettings, inspection: Inspection) -> Hello:
    """What a run would greet with, for one that only tries whether it is let in.

    Where the run would begin an epoch, one that is never used stands for it, and the server is
    not told where its numbers begin: it notes none. No watchlist is asked for.
    """
    clock, held = SystemClock(), inspection.identity
    begins = held is None or (settings.device_id and held.device_id != settings.device_id)
    if held is None or begins:
        epoch = MessageIds(clock, system_random).fresh()
        held = StoreIdentity(device_id=settings.name, epoch=epoch, epoch_after=0, last_sequence=0)
    hello = hello_of(held, identity_of(settings), waiting=inspection.waiting_rows, clock=clock)
    after = None if begins else held.epoch_after
    return structs.replace(hello, epoch_after=after, watchlist=None)


def uplink_settings_of(settings: AgentSettings) -> UplinkSettings:
    return UplinkSettings(
        url=settings.server_url,
        token=settings.token.get_secret_value() or None,
        allow_plaintext=settings.allow_plaintext,
        ca_file=settings.ca_file,
        client_cert=settings.client_cert,
        client_key=settings.client_key,
        check_interval_s=settings.check_interval_s,
        backoff_max_s=settings.backoff_max_s,
        classic_retry_hours=settings.classic_retry_hours,
        max_bytes_s=settings.max_kbps * 1000 / 8,
    )


def limits_of(settings: AgentSettings) -> Limits:
    return Limits(
        quota_bytes=settings.disk_quota_mb * MEGABYTE, floor_bytes=settings.disk_floor_mb * MEGABYTE
    )


def picture_format_of(settings: AgentSettings) -> PictureFormat:
    return PictureFormat(
        max_width=settings.image_width,
        max_height=settings.image_height,
        jpeg_quality=settings.image_quality,
    )


def prepare_process(
    settings: AgentSettings, *, log_file: Path, to_stderr: bool = True
) -> ErrorBook:
    """Logs, and the processor threads of OpenCV. What the sender says is in its own log as well,
    what is logged as wrong in the book that is returned."""
    errors = ErrorBook(file_beside(log_file), secrets=secrets_in(secrets_of(settings)))
    try:
        configure_logging(
            file=log_file,
            level=settings.log_level.upper(),
            to_stderr=to_stderr,
            extra={"agent.uplink": settings.sender_log_file},
            form=settings.log_format,
            errors=errors,
        )
    except OSError as error:
        raise AgentError(
            f"the log cannot be written: {error}; write AGENT_LOG_FILE and WEBSOCKET_LOG_FILE "
            "as paths that this user may write"
        ) from error
    cv2.setNumThreads(settings.threads)
    return errors

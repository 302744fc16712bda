"""From an address to the frame source that serves it."""

from __future__ import annotations

from agent.camera.capture import CaptureSource
from agent.camera.controls import EVERY_CONTROL
from agent.camera.errors import SourceUnknown
from agent.camera.images import ImagesSource
from agent.camera.picamera import PicameraSettings, PicameraSource
from agent.camera.source import FrameSource
from agent.camera.synthetic.schedule import Passage, passages
from agent.camera.synthetic.settings import parse_settings
from agent.camera.synthetic.source import SYNTHETIC_CONTROLS, SyntheticSource
from agent.camera.uri import Scheme, SourceUri, parse_source
from agent.camera.v4l2 import open_panel
from agent.camera.video_device import VideoDeviceSource


def open_source(address: str | SourceUri) -> FrameSource:
    """A source, not yet entered. Raises `SourceUnknown` for an address that names none."""
    uri = parse_source(address) if isinstance(address, str) else address
    match uri.scheme:
        case Scheme.SYNTHETIC:
            return SyntheticSource(parse_settings(dict(uri.parameters)))
        case Scheme.IMAGES:
            return ImagesSource(uri.target)
        case Scheme.PICAMERA:
            return PicameraSource(_picamera(uri))
        case Scheme.V4L2:
            return VideoDeviceSource(CaptureSource(uri), open_panel=lambda: open_panel(uri.target))
        case Scheme.FILE | Scheme.RTSP:
            return CaptureSource(uri)


def controls_of(uri: SourceUri) -> frozenset[str]:
    """The fields of `CameraControls` that such a source may take: what the one that is there takes
    is known once it was opened. Network cameras take none from here."""
    match uri.scheme:
        case Scheme.PICAMERA | Scheme.V4L2:
            return EVERY_CONTROL
        case Scheme.SYNTHETIC:
            return SYNTHETIC_CONTROLS
        case _:
            return frozenset()


def _picamera(uri: SourceUri) -> PicameraSettings:
    said = {key: int(value) for key, value in uri.parameters}
    defaults = PicameraSettings()
    return PicameraSettings(
        camera=int(uri.target),
        width=said.get("width", defaults.width),
        height=said.get("height", defaults.height),
        fps=said.get("fps", defaults.fps),
    )


def truth_of(address: str | SourceUri, limit: int | None = None) -> tuple[Passage, ...]:
    """What passes in a `synthetic:` run, without rendering it; an endless one needs a `limit`."""
    uri = parse_source(address) if isinstance(address, str) else address
    if uri.scheme is not Scheme.SYNTHETIC:
        raise SourceUnknown(f"only a synthetic: source knows its truth, not {uri}")
    return passages(parse_settings(dict(uri.parameters)), limit)

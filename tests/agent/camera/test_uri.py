"""Addresses: what each form means, what mistakes are told, what is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.camera.errors import SourceError, SourceUnknown
from agent.camera.factory import open_source
from agent.camera.uri import Scheme, parse_source


@pytest.mark.parametrize(
    ("text", "scheme", "target", "parameters"),
    [
        ("synthetic:", Scheme.SYNTHETIC, "", {}),
        (
            "synthetic:?vehicles=20&seed=1",
            Scheme.SYNTHETIC,
            "",
            {"vehicles": "20", "seed": "1"},
        ),
        ("file:clip.mp4", Scheme.FILE, "clip.mp4", {}),
        ("file:///srv/clip.mp4", Scheme.FILE, "/srv/clip.mp4", {}),
        ("FILE:What now?.mp4", Scheme.FILE, "What now?.mp4", {}),
        ("images:folder", Scheme.IMAGES, "folder", {}),
        ("rtsp://192.0.2.1/live?x=1", Scheme.RTSP, "rtsp://192.0.2.1/live?x=1", {}),
        ("v4l2:/dev/video0?width=640", Scheme.V4L2, "/dev/video0", {"width": "640"}),
        ("/dev/video2", Scheme.V4L2, "/dev/video2", {}),
        ("picamera:0", Scheme.PICAMERA, "0", {}),
    ],
)
def test_an_address_is_parsed(
    text: str, scheme: Scheme, target: str, parameters: dict[str, str]
) -> None:
    uri = parse_source(text)
    assert (uri.scheme, uri.target, dict(uri.parameters)) == (scheme, target, parameters)


def test_a_bare_path_is_taken_for_what_it_is(clip: Path, pictures: Path) -> None:
    assert parse_source(str(clip)).scheme is Scheme.FILE
    assert parse_source(str(pictures)).scheme is Scheme.IMAGES
    assert parse_source(str(pictures / "car2.png")).scheme is Scheme.IMAGES


@pytest.mark.parametrize("text", ["", "nowhere.mp4", "http://192.0.2.1/x.mp4", "webcam:0"])
def test_an_unknown_source_is_told_what_is_accepted(text: str) -> None:
    with pytest.raises(SourceUnknown) as caught:
        parse_source(text)
    message = str(caught.value)
    assert text in message
    assert "accepted are synthetic:" in message
    assert "synthetic:?vehicles=20&seed=1" in message


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("synthetic:?vehicels=20", ("'vehicels'", "vehicles", "seed", "realtime")),
        ("synthetic:?vehicles=many", ("vehicles", "'many'", "whole number")),
        ("synthetic:?vehicles=-1", ("vehicles", "'-1'", "from 0")),
        ("synthetic:?vehicles=0", ("vehicles is 0", "seconds=60")),
        ("synthetic:?traffic=jam", ("traffic", "'jam'", "flow, pairs")),
        ("synthetic:?scenery=tree", ("scenery", "'tree'", "overlay,sign")),
        ("synthetic:?plates=de,xx", ("plates", "'de,xx'", "de,fr")),
        ("synthetic:?night=dusk", ("night", "'dusk'", "mix")),
        ("synthetic:?realtime=yes", ("realtime", "'yes'", "0")),
        ("synthetic:?fps=nan", ("fps", "'nan'")),
        ("synthetic:?width=400&height=800", ("400x800",)),
        ("synthetic:?seed=1&seed=2", ("seed", "twice")),
        ("synthetic:road", ("'road'", "parameters only")),
        ("v4l2:/dev/video0?zoom=2", ("'zoom'", "width, height, fps")),
        ("v4l2:/dev/video0?fps=fast", ("fps", "'fast'", "whole number")),
        ("v4l2:", ("names no device", "/dev/video0")),
        ("picamera:front", ("'front'", "picamera:0")),
        ("file:", ("names no path", "file:clip.mp4")),
        ("rtsp://", ("names no host", "rtsp://user:password@")),
    ],
)
def test_a_mistake_is_named_with_what_was_expected(text: str, named: tuple[str, ...]) -> None:
    with pytest.raises(SourceUnknown) as caught:
        parse_source(text)
    for part in named:
        assert part in str(caught.value)


def test_parameters_after_a_file_are_refused(clip: Path) -> None:
    with pytest.raises(SourceUnknown, match="takes no parameters"):
        parse_source(f"file:{clip}?loop=1")


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://operator:hunter2@127.0.0.1:1/live",
        "rtsp://operator:hunter2@127.0.0.1:1/live?password=hunter2",
        "rtsp://operator:hun/hunter2@127.0.0.1:1/live",
        "rtsp://operator:a#hunter2@127.0.0.1:1/live",
        "rtsp://operator:a?hunter2@127.0.0.1:1/live",
        "rtsp://operator:a@hunter2@127.0.0.1:1/live",
        "rtsp://127.0.0.1:1/live?user=operator&password=hunter2",
        "rtsps://operator:hunter2@127.0.0.1:1/live",
        "http://operator:hunter2@127.0.0.1:1/live",
        "operator:hunter2@127.0.0.1/live",
        "rtsp:/operator:hunter2@127.0.0.1/live",
    ],
)
def test_secrets_are_shown_nowhere(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    shown = ""
    try:
        uri = parse_source(text)
        shown += f"{uri} {uri!r} {uri.parameters}"
        source = open_source(uri)
        shown += repr(source)
        with source:
            pass
    except SourceError as error:
        shown += f"{error} {error!r} {error.__cause__!r}"
    captured = capfd.readouterr()
    shown += captured.out + captured.err
    assert shown
    assert "hunter2" not in shown
    assert "operator" not in shown

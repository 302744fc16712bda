"""A real RTSP server on this machine (GStreamer's), that can die and come back at its address."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

PACKAGES = "gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good python3-gi"
SYSTEM_PYTHON = "/usr/bin/python3"
SERVE = """
import sys
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
if Gst.ElementFactory.find("rtpjpegpay") is None or Gst.ElementFactory.find("jpegenc") is None:
    sys.exit(3)
if len(sys.argv) > 1:
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(sys.argv[1])
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        "( videotestsrc is-live=true "
        "! video/x-raw,format=I420,width=320,height=240,framerate=10/1 "
        "! jpegenc ! rtpjpegpay name=pay0 pt=26 )"
    )
    factory.set_shared(True)
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    print("ready", flush=True)
    GLib.MainLoop().run()
"""


class RtspCamera:
    """`start` and `kill` as often as wanted; the address stays."""

    def __init__(self) -> None:
        with socket.socket() as claimed:
            claimed.bind(("127.0.0.1", 0))
            self._port = int(claimed.getsockname()[1])
        self._process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self._port}/live"

    def start(self) -> None:
        """Returns once it listens."""
        process = self._process = subprocess.Popen(
            [SYSTEM_PYTHON, "-c", SERVE, str(self._port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        """As a camera loses its power: nothing is said to whoever watches."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None


@contextmanager
def rtsp_camera() -> Iterator[RtspCamera]:
    """Skips naming the Debian packages where they are missing."""
    if shutil.which(SYSTEM_PYTHON) is None:
        pytest.skip(f"needs Debian's python3 and {PACKAGES}: scripts/test --with-system")
    probe = subprocess.run([SYSTEM_PYTHON, "-c", SERVE], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"needs the Debian packages {PACKAGES}: scripts/test --with-system")
    camera = RtspCamera()
    try:
        yield camera
    finally:
        camera.kill()

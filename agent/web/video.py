"""The live picture: frames drawn with their plates, encoded once for all who watch."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import cv2
import numpy as np

from agent.camera.frame import Frame
from agent.percent import percent
from agent.pipeline.sighting import PlateInView
from agent.web.errors import NotThere, TooManyViewers
from agent.web.parts import LiveView
from vision.reading import Picture

FRAMES_PER_S: Final = 8.0
AGAIN_S: Final = 1.0
"""After which a frame is sent again that no other follows: browsers show one, and take the page for
loaded, when the head of the next is there."""
MOST_VIEWERS: Final = 4
LARGEST_WIDTH: Final = 960
QUALITY: Final = 70
COARSE_SQUARES: Final = 80
"""Across the picture: a face or plate of an eighth of its width has ten of them."""
BOUNDARY: Final = "frame"
SURE_COLOUR: Final = (110, 200, 60)
UNSURE_COLOUR: Final = (60, 190, 250)
"""Blue, green, red."""


class Video:
    """Bounded in rate and viewers. `closing` ends every stream.

    `is_coarse`: what stored pictures hide is not shown here either, so nobody is recognised.
    """

    def __init__(self, live: LiveView, closing: asyncio.Event, *, is_coarse: bool) -> None:
        self._is_coarse = is_coarse
        self._live = live
        self._closing = closing
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="video")
        self._encoded: tuple[Frame, bytes] | None = None
        self._viewers = 0

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def picture(self) -> bytes:
        """The newest frame as JPEG. Raises NotThere before the first one."""
        found = self._live.newest()
        if found is None:
            raise NotThere("no frame yet: the camera is starting, or gives nothing")
        frame, plates = found
        if self._encoded is None or self._encoded[0] is not frame:
            loop = asyncio.get_running_loop()
            content = await loop.run_in_executor(self._executor, self._drawn, frame, plates)
            self._encoded = (frame, content)
            return content
        return self._encoded[1]

    def _drawn(self, frame: Frame, plates: Sequence[PlateInView]) -> bytes:
        return coarse_jpeg(frame) if self._is_coarse else drawn_jpeg(frame, plates)

    def check_room(self) -> None:
        """Raises TooManyViewers."""
        if self._viewers >= MOST_VIEWERS:
            raise TooManyViewers(
                f"{MOST_VIEWERS} watch already, more would slow the camera down: close a page"
            )

    async def stream(self) -> AsyncIterator[bytes]:
        """Parts of a multipart/x-mixed-replace answer: a JPEG whenever there is a new frame."""
        shown: Frame | None = None
        sent_s = 0.0
        self._viewers += 1
        try:
            while not self._closing.is_set():
                found = self._live.newest()
                now_s = time.monotonic()
                if found is not None and (found[0] is not shown or now_s - sent_s >= AGAIN_S):
                    shown, sent_s = found[0], now_s
                    yield _part(await self.picture())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), 1 / FRAMES_PER_S)
        finally:
            self._viewers -= 1


def _part(content: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content + b"\r\n"


def drawn_jpeg(frame: Frame, plates: Sequence[PlateInView]) -> bytes:
    """The frame, scaled to LARGEST_WIDTH, with a box around each plate and its text above."""
    height, width = frame.picture.shape[:2]
    scale = min(1.0, LARGEST_WIDTH / width)
    size = (round(width * scale), round(height * scale))
    # A new picture in any case: nobody may draw into the frame's own.
    picture = frame.picture.copy()
    if scale < 1:
        picture = np.asarray(
            cv2.resize(frame.picture, size, interpolation=cv2.INTER_AREA), np.uint8
        )
    for plate in plates:
        _draw(picture, plate, scale)
    _, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return content.tobytes()


def coarse_jpeg(frame: Frame) -> bytes:
    """The frame in squares, COARSE_SQUARES across: vehicles and people show, faces and plates do
    not."""
    height, width = frame.picture.shape[:2]
    shown = (LARGEST_WIDTH, round(LARGEST_WIDTH * height / width))
    size = (COARSE_SQUARES, max(1, round(COARSE_SQUARES * height / width)))
    small = cv2.resize(frame.picture, size, interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, shown, interpolation=cv2.INTER_NEAREST)
    _, content = cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return content.tobytes()


def _draw(picture: Picture, plate: PlateInView, scale: float) -> None:
    colour = SURE_COLOUR if plate.is_sure else UNSURE_COLOUR
    box = plate.box.grown(4, 4)
    first = (round(box.x1 * scale), round(box.y1 * scale))
    last = (round(box.x2 * scale), round(box.y2 * scale))
    cv2.rectangle(picture, first, last, colour, 2, cv2.LINE_AA)
    if plate.text.isascii():  # OpenCV's font has no other characters
        text = f"{plate.text}  {percent(plate.confidence)}"
        place = (first[0], max(16, first[1] - 8))
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_DUPLEX, 0.6, (0, 0, 0), 4, cv2.LINE_AA)
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_DUPLEX, 0.6, colour, 1, cv2.LINE_AA)

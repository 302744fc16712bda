"""The contract between a frame source and whoever reads from it."""

from __future__ import annotations

from typing import Protocol

from agent.camera.frame import Frame


class FrameSource(Protocol):
    """Frames in the order of their capture. Blocking, used by one thread only.

    A context manager: entering opens the device or file, leaving closes it; both may be done
    again. Errors are `agent.camera.errors.SourceFailed` with what to do.
    """

    @property
    def is_finite(self) -> bool:
        """Whether it ends by itself (a clip, a folder): then no frame is to be dropped."""

    @property
    def total_frames(self) -> int | None:
        """Frames it will give, where known beforehand (for progress)."""

    def __enter__(self) -> FrameSource: ...

    def __exit__(self, *exc_info: object) -> None: ...

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame, or None at the end of a finite source.

        Raises `SourceTimedOut` when nothing came in time: it may be read again, which goes on
        waiting for the same frame. Raises `SourceFailed` when it broke: it is to be left.
        """

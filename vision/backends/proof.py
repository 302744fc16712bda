"""Whether an execution provider that onnxruntime has built in really runs networks on this machine.

Without the card, its driver or a library of the right version, onnxruntime says so on its own error
output at most and takes the processor; only a network that was loaded tells.
"""

from __future__ import annotations

import contextlib
import io
import warnings

import numpy as np
import onnxruntime

from vision.backends.providers import LIBRARY_NAMES

_DOUBLING = (
    b'\x08\x08:;\n\x11\n\x01x\n\x01x\x12\x01y\x1a\x01y"\x03Add\x12\x04tiny'
    b"Z\x0f\n\x01x\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01"
    b"b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\r"
)
"""A whole ONNX file (opset 13): y = x + x, one number each."""

_WITH_CUDA = {LIBRARY_NAMES["cuda"], LIBRARY_NAMES["tensorrt"]}


def fault_of(library_name: str) -> str:
    """Why this provider runs nothing here, in one line; empty where it does.

    Loads the CUDA libraries that pip installed beside onnxruntime, for a system that has none.
    Takes about a second on a card.
    """
    said = io.StringIO()
    with contextlib.redirect_stdout(said), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a provider that is not built in
        try:
            if library_name in _WITH_CUDA:
                onnxruntime.preload_dlls()
            session = onnxruntime.InferenceSession(_DOUBLING, providers=[library_name])
            (doubled,) = session.run(None, {"x": np.ones(1, np.float32)})
        except Exception as error:  # noqa: BLE001 - onnxruntime's errors share no public base
            return _one_line(str(error))
    if library_name not in session.get_providers():
        return _one_line(said.getvalue()) or "onnxruntime does not start it, and names no reason"
    return "" if doubled == 2.0 else f"it finds that 1 + 1 is {doubled[0]}"


def _one_line(text: str) -> str:
    """The first line that says something; onnxruntime draws banners of stars around some."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return next((line[:300] for line in lines if line.strip("* ") and line[0] != "*"), "")

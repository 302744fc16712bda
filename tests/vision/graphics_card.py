"""The marks of a test that runs on an NVIDIA card, where there is one."""

from __future__ import annotations

import shutil

import onnxruntime
import pytest


def _missing() -> str:
    """What of a card is not here; empty where a test on it has to pass."""
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "this onnxruntime has no CUDA: pip install onnxruntime-gpu in its place"
    return "" if shutil.which("nvidia-smi") else "no driver of an NVIDIA card is installed"


needs_card = pytest.mark.skipif(bool(_missing()), reason=f"no graphics card: {_missing()}")

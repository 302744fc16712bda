"""Which of onnxruntime's execution providers to use: names in settings to names of the library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vision.errors import ModelFailed

LIBRARY_NAMES = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "xnnpack": "XnnpackExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "dml": "DmlExecutionProvider",
}
"""onnxruntime.ai/docs/execution-providers."""

ON_GPU = frozenset({"cuda", "tensorrt", "migraphx", "dml"})
"""Those that keep a model in the memory of a graphics card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderChoice:
    """What to ask the library for, in order of preference, and what it does not have."""

    library_names: tuple[str, ...]
    missing: tuple[str, ...]


def choose_providers(wanted: Sequence[str], available: Sequence[str]) -> ProviderChoice:
    """Those of `wanted` (`cuda`, `cpu`, ...) that are `available`, and the processor in the end.

    Raises `ModelFailed` for a name that nobody knows.
    """
    unknown = [name for name in wanted if name not in LIBRARY_NAMES]
    if unknown:
        raise ModelFailed(
            f"no execution provider is named {', '.join(unknown)}; there are "
            f"{', '.join(LIBRARY_NAMES)}"
        )
    chosen = [LIBRARY_NAMES[name] for name in wanted if LIBRARY_NAMES[name] in available]
    if LIBRARY_NAMES["cpu"] not in chosen:
        chosen.append(LIBRARY_NAMES["cpu"])
    missing = tuple(name for name in wanted if LIBRARY_NAMES[name] not in available)
    return ProviderChoice(library_names=tuple(chosen), missing=missing)


def short_name(library_name: str) -> str:
    """`cuda` for `CUDAExecutionProvider`; the name itself where it is none of ours."""
    for short, name in LIBRARY_NAMES.items():
        if name == library_name:
            return short
    return library_name

"""Which of onnxruntime's execution providers to use: names in settings to names of the library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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

_OPTIONS = {
    # EXHAUSTIVE, the library's own, tries every algorithm for every new shape: up to 4 s, and no
    # faster afterwards. TF32 changes answers in the third digit, away from what was calibrated.
    LIBRARY_NAMES["cuda"]: {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderChoice:
    """What to ask the library for, in order of preference, and what it does not have.

    `unusable` are those that it has and that run nothing here, each with its reason.
    """

    library_names: tuple[str, ...]
    missing: tuple[str, ...]
    unusable: tuple[tuple[str, str], ...] = ()

    @property
    def notices(self) -> tuple[str, ...]:
        """A sentence for each that was wanted and does not serve."""
        serving = short_name(self.library_names[0])
        missing = (f"this onnxruntime has no {name}" for name in self.missing)
        unusable = (
            f"{name} cannot be used here ({reason}); AGENT_ONNX_PROVIDERS asks for it"
            for name, reason in self.unusable
        )
        return tuple(f"{said}: models run on {serving}" for said in (*missing, *unusable))


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


def proven(choice: ProviderChoice, fault_of: Callable[[str], str]) -> ProviderChoice:
    """Without those that run nothing here; `fault_of` says why one does not, "" where it does.

    The processor needs no proof.
    """
    faults = {name: fault_of(name) for name in choice.library_names if name != LIBRARY_NAMES["cpu"]}
    unusable = tuple((short_name(name), fault) for name, fault in faults.items() if fault)
    names = tuple(name for name in choice.library_names if not faults.get(name))
    return replace(choice, library_names=names, unusable=unusable)


def options_of(library_name: str) -> dict[str, str]:
    """What to set for a provider, in the library's words."""
    return dict(_OPTIONS.get(library_name, {}))


def short_name(library_name: str) -> str:
    """`cuda` for `CUDAExecutionProvider`; the name itself where it is none of ours."""
    for short, name in LIBRARY_NAMES.items():
        if name == library_name:
            return short
    return library_name

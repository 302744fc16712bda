"""How much memory the devices of this machine have for networks. Asks, never allocates."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from vision.backends.hailo import MOST_NETWORKS
from vision.backends.providers import ON_GPU
from vision.errors import ModelFailed
from vision.pool.budget import Budget
from vision.pool.control_group import group_limit_bytes

MEGABYTE = 1_000_000
ON_CARD_BESIDE_BYTES = 250 * MEGABYTE
"""What one session takes on a card above what it takes of a process's memory: buffers that grow by
powers of two, and cuDNN's workspace. Five networks took 114 to 238 MB (docs/measurements.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """Models may take `memory_share` of a device's memory, and leave `gpu_reserve_mb` of a graphics
    card free. Above `cleanup_share` of that, idle ones go; from `warning_share` on it is told."""

    memory_share: float = 0.8
    gpu_reserve_mb: int = 1024
    cleanup_share: float = 0.9
    warning_share: float = 0.9


def budgets_for(providers: Sequence[str], settings: PoolSettings) -> tuple[Budget, ...]:
    """A budget for the processor's memory, each graphics provider, and a Hailo's networks.

    Raises `ModelFailed` where a graphics card is asked for and cannot be asked.
    """
    capacities = {
        "cpu": cpu_capacity(machine_memory_bytes(), settings),
        "hailo": MOST_NETWORKS,
    }
    for provider in providers:
        if provider in ON_GPU:
            capacities[provider] = gpu_capacity(gpu_memory_bytes(), settings)
        elif provider != "cpu":
            capacities[provider] = capacities["cpu"]
    return tuple(
        Budget(
            device=device,
            capacity=capacity,
            cleanup_share=settings.cleanup_share,
            warning_share=settings.warning_share,
        )
        for device, capacity in capacities.items()
    )


def cpu_capacity(memory_bytes: int, settings: PoolSettings) -> int:
    return int(memory_bytes * settings.memory_share)


def bytes_on_card(process_bytes: int, *, sessions: int) -> int:
    """What a network may take of a card, whose need of a process's memory is known."""
    return (process_bytes + ON_CARD_BESIDE_BYTES) * sessions


def gpu_capacity(memory_bytes: int, settings: PoolSettings) -> int:
    """The share of a graphics card, or what the reserve leaves where that is less."""
    left = memory_bytes - settings.gpu_reserve_mb * MEGABYTE
    return max(0, min(left, int(memory_bytes * settings.memory_share)))


def machine_memory_bytes(root: Path = Path("/")) -> int:
    """What this process could have at most: the machine's memory, or its control group's."""
    return min(int(psutil.virtual_memory().total), group_limit_bytes(root) or sys.maxsize)


def gpu_memory_bytes() -> int:
    """Memory of the first graphics card, as its driver tells; raises `ModelFailed`."""
    return _told_by_driver("memory.total")


def gpu_memory_in_use_bytes() -> int:
    """What of it is in use, by whomever; raises `ModelFailed`."""
    return _told_by_driver("memory.used")


def _told_by_driver(figure: str) -> int:
    program = shutil.which("nvidia-smi")
    if program is None:
        raise ModelFailed(
            "AGENT_ONNX_PROVIDERS asks for a graphics card, and nvidia-smi is not installed: "
            "install the card's driver, or write AGENT_ONNX_PROVIDERS=cpu"
        )
    query = [program, f"--query-gpu={figure}", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 - a fixed command
        return int(told.stdout.split()[0]) * 1024 * 1024
    except (subprocess.SubprocessError, OSError, ValueError, IndexError) as error:
        raise ModelFailed(
            f"nvidia-smi does not tell the card's memory ({error}): mend the card's driver, or "
            "write AGENT_ONNX_PROVIDERS=cpu"
        ) from error

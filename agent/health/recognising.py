"""Checks of what recognises: models, plate reader, accelerator. Facts in, results out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.health.result import HealthResult, failed, passed, warned
from vision.pool.budget import Usage, amount

SLOW_READING_MS: Final = 2_000.0
FORMATS: Final = (((4, 18), 1), ((4, 23), 3))
"""The newest format of HEF files that a HailoRT reads, from the `hef_internal.hpp` of its releases
4.18.0 and 4.23.0 (github.com/hailo-ai/hailort). An older release reads no newer ones than these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """One model: `fault` with its remedy where it cannot be used, otherwise one run's time.

    `is_needed`: the agent does not start without it; others are there for those who fetch them.
    `run_ms` is None where it was loaded only, or is in use and timed elsewhere.
    """

    name: str
    is_needed: bool
    fault: str | None = None
    run_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderFacts:
    """The plate reader: either a trial on a picture whose plate is known, or its use until now.

    `expected` and `read` belong to the trial, both None without one; `look_ms` is one look's time.
    """

    model: str = ""
    fault: str | None = None
    expected: str | None = None
    read: str | None = None
    look_ms: float | None = None
    looks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceleratorFacts:
    """What of a Hailo accelerator is there; None for what is not.

    `containers` are the HEF files of the models' folder by name with the version of their format.
    """

    device: str | None = None
    driver_version: str | None = None
    library_version: str | None = None
    containers: tuple[tuple[str, int | None], ...] = ()


def check_models(models: Sequence[ModelFacts], usage: Sequence[Usage] = ()) -> HealthResult:
    """Every model that is needed, those that are there besides, and the memory they take."""
    faults = [model for model in models if model.fault is not None and model.is_needed]
    if faults:
        return failed("models", "; ".join(f"{model.name}: {model.fault}" for model in faults))
    there = [model for model in models if model.fault is None]
    named = ", ".join(
        model.name if model.run_ms is None else f"{model.name} {model.run_ms:.0f} ms"
        for model in there
    )
    text = f"{named or 'none'} in order{_taken(usage)}"
    extra = [model for model in models if model.fault is not None]
    if extra:
        text += f"; {'; '.join(f'{model.name}: {model.fault}' for model in extra)}"
        return warned("models", text)
    if any(one.is_high for one in usage):
        return warned("models", f"{text}: use smaller models or raise AGENT_MODEL_MEMORY_SHARE")
    return passed("models", text)


def _taken(usage: Sequence[Usage]) -> str:
    """By device, of the memory set apart for models there."""
    held = [
        f"{amount(one.used, one.device)} of {amount(one.capacity, one.device)} on {one.device}"
        for one in usage
        if one.used
    ]
    return f"; they take {', '.join(held)}" if held else ""


def check_reader(facts: ReaderFacts) -> HealthResult:
    """That it reads, rightly where the plate is known, and in good time."""
    if facts.fault is not None:
        return failed("plate reader", facts.fault)
    if facts.expected is not None and facts.read != facts.expected:
        text = f"it read {facts.read or 'nothing'} where {facts.expected} stands"
        return failed("plate reader", f"{text}: install requirements.txt anew, or report this")
    text = facts.model
    if facts.read is not None:
        text += f" read {facts.read} rightly"
    if facts.looks:
        text += f", {facts.looks} looks"
    if facts.look_ms is None:
        return passed("plate reader", f"{text}; nothing to read yet")
    text += f", {facts.look_ms:.0f} ms a look"
    if facts.look_ms > SLOW_READING_MS:
        advice = "raise AGENT_THREADS, or stop other programs"
        return warned("plate reader", f"{text}: too slow for moving vehicles; {advice}")
    return passed("plate reader", text)


def unreadable(facts: AcceleratorFacts) -> str | None:
    """The first HEF file whose format is known to be too new for the library, if there is one."""
    digits = (facts.library_version or "").split(".")[:2]
    if len(digits) < 2 or not all(part.isdecimal() for part in digits):
        return None
    library = (int(digits[0]), int(digits[1]))
    newest = next((most for until, most in FORMATS if library <= until), None)
    if newest is None:
        return None  # newer than all that is known here
    return next((name for name, form in facts.containers if (form or 0) > newest), None)


def check_accelerator(facts: AcceleratorFacts) -> HealthResult:
    """A device that is used, or why the processor does the work instead."""
    if facts.device is None:
        if facts.driver_version or facts.library_version:
            text = "Hailo software is installed but no device answers: check the ribbon and PCIe"
            return warned("accelerator", f"{text} in /boot/firmware/config.txt; the CPU is used")
        return passed("accelerator", "none on this machine: the CPU is used")
    text = f"{facts.device}, driver {facts.driver_version or 'unknown'}"
    if facts.library_version is None:
        advice = "sudo apt install hailo-all, and a .venv with --system-site-packages"
        return warned("accelerator", f"{text}, no HailoRT library: {advice}; the CPU is used")
    text += f", library {facts.library_version}"
    if facts.containers:
        text += ", " + ", ".join(f"{name} format {version}" for name, version in facts.containers)
    if facts.driver_version is not None and facts.driver_version != facts.library_version:
        advice = "both have to be of one version: sudo apt install --reinstall hailo-all, restart"
        return failed("accelerator", f"{text}: {advice}; the CPU is used meanwhile")
    damaged = [name for name, version in facts.containers if version is None]
    if damaged:
        return failed("accelerator", f"{text}: {damaged[0]} is no HEF file: fetch it again")
    too_new = unreadable(facts)
    if too_new is not None:
        advice = "sudo apt full-upgrade, or fetch a file compiled for this version"
        return failed("accelerator", f"{text}: {too_new} is too new for this library: {advice}")
    return passed("accelerator", text)

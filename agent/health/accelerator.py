"""Looks whether a Hailo accelerator is there, without its library and without opening it."""

from __future__ import annotations

import struct
from importlib import metadata
from pathlib import Path
from typing import Final

from agent.health.recognising import AcceleratorFacts

_PACKAGE: Final = "hailort"
_MAGIC: Final = 0x01484546
_HEADER: Final = struct.Struct(">II")
"""A HEF file begins with its magic and the version of its format, both big-endian (HailoRT's
`hef_internal.hpp`, published under the MIT license at github.com/hailo-ai/hailort)."""


def look_at_accelerator(root: Path = Path("/"), *, models_folder: Path | None) -> AcceleratorFacts:
    """`root` is that of the system; `models_folder` holds fetched models, if there is one."""
    devices = sorted((root / "dev").glob("hailo[0-9]*"))
    hefs = sorted(models_folder.glob("*.hef")) if models_folder is not None else []
    return AcceleratorFacts(
        device=f"/dev/{devices[0].name}" if devices else None,
        driver_version=_driver_version(root),
        library_version=_library_version(),
        containers=tuple((path.name, hef_version(path)) for path in hefs),
    )


def hef_version(path: Path) -> int | None:
    """The version of the file's format; None for what is no HEF file."""
    try:
        with path.open("rb") as file:
            magic, version = _HEADER.unpack(file.read(_HEADER.size))
    except (OSError, struct.error):
        return None
    return int(version) if magic == _MAGIC else None


def _driver_version(root: Path) -> str | None:
    for module in ("hailo_pci", "hailo1x_pci"):
        try:
            return (root / "sys/module" / module / "version").read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
    return None


def _library_version() -> str | None:
    try:
        return metadata.version(_PACKAGE)
    except metadata.PackageNotFoundError:
        return None

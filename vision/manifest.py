"""Names every model and finds its file. Loads none and fetches none."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from vision.errors import ManifestInvalid, ModelFailed, ModelMissing

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHUNK_BYTES = 1 << 20


class ModelKind(StrEnum):
    """Where a model's file comes from."""

    WHEEL = "wheel"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One model as `models.toml` names it.

    `path` lies in the package's folder (wheel) or in the folder of fetched models (file).
    `input` and `decoder` are for people and for the loader that chooses a decoder.
    `memory_bytes` is None where nobody has measured it.
    """

    name: str
    task: str
    kind: ModelKind
    package: str | None
    path: str
    format: str
    input: str
    decoder: str | None
    licence: str
    address: str
    size_bytes: int
    sha256: str
    memory_bytes: int | None


def manifest() -> tuple[ModelEntry, ...]:
    """Every model, in the manifest's order; raises `ManifestInvalid`."""
    return tuple(_bundled().values())


def model_entry(name: str) -> ModelEntry:
    """The model of that name; raises `ModelMissing` naming those that there are."""
    entries = _bundled()
    if name not in entries:
        raise ModelMissing(f"no model is named {name!r}; the manifest has {', '.join(entries)}")
    return entries[name]


def locate(entry: ModelEntry, *, models_folder: Path | None = None) -> Path:
    """Where the model's file lies; `models_folder` is where fetched models are kept.

    A package is found without running its code. Raises `ModelMissing` when there is no file.
    """
    if entry.kind is ModelKind.WHEEL:
        path = _package_folder(entry) / entry.path
        remedy = f"install the package {entry.package} again"
    elif models_folder is None:
        raise ModelMissing(
            f"model {entry.name}: no folder of fetched models was given, and no "
            "installed package brings this model"
        )
    else:
        path = models_folder / entry.path
        remedy = "put the file that the manifest names there"
    if not path.is_file():
        raise ModelMissing(f"model {entry.name}: there is no file {path}; {remedy}")
    return path


def verify(entry: ModelEntry, path: Path) -> None:
    """Raise `ModelFailed` unless the file at `path` is the one that the manifest means."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise ModelMissing(
            f"model {entry.name}: {path} cannot be read ({error.strerror})"
        ) from error
    if digest.hexdigest() != entry.sha256:
        raise ModelFailed(
            f"model {entry.name}: {path} has sha256 {digest.hexdigest()}, expected "
            f"{entry.sha256}; it is damaged or another version: delete it and fetch it again"
        )


def _package_folder(entry: ModelEntry) -> Path:
    try:
        spec = importlib.util.find_spec(entry.package or "")
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise ModelMissing(
            f"model {entry.name}: the Python package {entry.package} that brings it is not "
            "installed; install requirements.txt"
        )
    return Path(next(iter(spec.submodule_search_locations)))


@lru_cache(maxsize=1)
def _bundled() -> dict[str, ModelEntry]:
    text = resources.files("vision").joinpath("models.toml").read_text(encoding="utf-8")
    return parse_manifest(text)


def parse_manifest(text: str) -> dict[str, ModelEntry]:
    """The entries of a manifest by name; raises `ManifestInvalid` naming entry and key."""
    try:
        tables = tomllib.loads(text)["model"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise ManifestInvalid(f"models.toml: no list of [[model]] can be read ({error})") from error
    entries: dict[str, ModelEntry] = {}
    for table in tables:
        entry = _entry(table)
        if entry.name in entries:
            raise ManifestInvalid(f"models.toml: two models are named {entry.name}")
        entries[entry.name] = entry
    return entries


def _entry(table: dict[str, Any]) -> ModelEntry:
    name = table.get("name", "?")
    try:
        entry = ModelEntry(
            name=table["name"],
            task=table["task"],
            kind=ModelKind(table["kind"]),
            package=table.get("package"),
            path=table["path"],
            format=table["format"],
            input=table["input"],
            decoder=table.get("decoder"),
            licence=table["licence"],
            address=table["address"],
            size_bytes=table["size_bytes"],
            sha256=table["sha256"],
            memory_bytes=table.get("memory_bytes"),
        )
    except KeyError as error:
        raise ManifestInvalid(f"models.toml: model {name} has no {error.args[0]}") from error
    except ValueError as error:
        raise ManifestInvalid(f"models.toml: model {name}: {error}") from error
    if not _SHA256.fullmatch(entry.sha256):
        raise ManifestInvalid(f"models.toml: model {name}: sha256 {entry.sha256!r} is no sha256")
    if (entry.kind is ModelKind.WHEEL) != (entry.package is not None):
        raise ManifestInvalid(f"models.toml: model {name}: kind wheel goes with a package")
    return entry

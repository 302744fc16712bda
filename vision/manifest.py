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
from vision.input import InputSpec, parse_input

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TEXTS = ("name", "task", "kind", "path", "format", "input", "licence", "address", "sha256")
_CHUNK_BYTES = 1 << 20
_VERSION_DIGITS = 12
_GUESSED_BASE_BYTES, _GUESSED_TIMES = 80_000_000, 3
"""Six models took 26 to 153 MB after runs at 640x480 (docs/measurements.md); one more than this."""
_GUESSED_SIZE_BYTES = 20_000_000


class ModelKind(StrEnum):
    """Where a model's file comes from."""

    WHEEL = "wheel"
    FILE = "file"


class ModelFormat(StrEnum):
    """What runs it: onnxruntime or OpenCV, HailoRT, OpenCV's cascade."""

    ONNX = "onnx"
    HEF = "hef"
    CASCADE = "cascade"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One model as `models.toml` names it.

    `path` lies in the package's folder (wheel) or in the folder of fetched models (file).
    `decoder` names what understands the outputs; `labels` are the classes that it tells apart.
    `memory_bytes` is None where nobody has measured it, `size_bytes` 0 where the publisher states
    only the hash, `address` empty where it cannot be fetched. `crop` is how much of a picture an
    analyser of faces takes, in sizes of the face.
    """

    name: str
    task: str
    kind: ModelKind
    package: str | None
    path: str
    format: ModelFormat
    input: InputSpec
    decoder: str | None
    labels: tuple[str, ...]
    licence: str
    address: str
    size_bytes: int
    sha256: str
    memory_bytes: int | None
    crop: float = 1.0

    @property
    def version(self) -> str:
        """The first digits of its file's SHA-256: tells files of one name apart."""
        return self.sha256[:_VERSION_DIGITS]

    @property
    def needed_bytes(self) -> int:
        """Memory that it takes: as measured, or a cautious guess by the size of its file."""
        if self.memory_bytes is not None:
            return self.memory_bytes
        return _GUESSED_BASE_BYTES + _GUESSED_TIMES * (self.size_bytes or _GUESSED_SIZE_BYTES)


def manifest(models_folder: Path | None = None) -> dict[str, ModelEntry]:
    """Every model by name: our own, then those of `models.toml` in the folder of fetched models.

    Raises `ManifestInvalid` naming file, entry and key.
    """
    entries = dict(_bundled())
    own = None if models_folder is None else models_folder / "models.toml"
    if own is not None and own.is_file():
        try:
            found = parse_manifest(own.read_text(encoding="utf-8"), name=str(own))
        except (OSError, UnicodeDecodeError) as error:
            raise ManifestInvalid(f"{own}: cannot be read ({error})") from error
        for entry in found.values():
            if entry.name in entries:
                raise ManifestInvalid(f"{own}: {entry.name} is a name of ours; choose another")
            entries[entry.name] = entry
    return entries


def model_entry(name: str, models_folder: Path | None = None) -> ModelEntry:
    """The model of that name; raises `ModelMissing` naming those that there are."""
    entries = manifest(models_folder)
    if name not in entries:
        raise ModelMissing(f"no model is named {name!r}; the manifest has {', '.join(entries)}")
    return entries[name]


def locate(entry: ModelEntry, *, models_folder: Path | None = None) -> Path:
    """Where the model's file lies; `models_folder` is where fetched models are kept.

    A package is found without running its code. An entry's path may be absolute (HEF files of the
    system). Raises `ModelMissing` when there is no file.
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
        remedy = (
            f"fetch it: python -m agent models fetch {entry.name}"
            if entry.address
            else "put the file there"
        )
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


def parse_manifest(text: str, *, name: str = "models.toml") -> dict[str, ModelEntry]:
    """The entries of a manifest by name; raises `ManifestInvalid` naming file, entry and key."""
    try:
        tables = tomllib.loads(text)["model"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise ManifestInvalid(f"{name}: no list of [[model]] can be read ({error})") from error
    entries: dict[str, ModelEntry] = {}
    for table in tables:
        try:
            entry = _entry(table)
        except ManifestInvalid as error:
            raise ManifestInvalid(f"{name}: {error}") from error.__cause__
        if entry.name in entries:
            raise ManifestInvalid(f"{name}: two models are named {entry.name}")
        entries[entry.name] = entry
    return entries


def _entry(table: dict[str, Any]) -> ModelEntry:
    name = table.get("name", "?")
    mistyped = _mistyped(table)
    if mistyped is not None:
        raise ManifestInvalid(f"model {name}: {mistyped}")
    try:
        entry = ModelEntry(
            name=table["name"],
            task=table["task"],
            kind=ModelKind(table["kind"]),
            package=table.get("package"),
            path=table["path"],
            format=ModelFormat(table["format"]),
            input=parse_input(table["input"]),
            decoder=table.get("decoder"),
            labels=tuple(table.get("labels", ())),
            licence=table["licence"],
            address=table["address"],
            size_bytes=table["size_bytes"],
            sha256=table["sha256"],
            memory_bytes=table.get("memory_bytes"),
            crop=float(table.get("crop", 1.0)),
        )
    except KeyError as error:
        raise ManifestInvalid(f"model {name} has no {error.args[0]}") from error
    except ValueError as error:
        raise ManifestInvalid(f"model {name}: {error}") from error
    fault = _fault(entry)
    if fault is not None:
        raise ManifestInvalid(f"model {name}: {fault}")
    return entry


def _mistyped(table: dict[str, Any]) -> str | None:
    """The first value that is of another type than its key asks for, or None."""
    for key, expected in (*((text, str) for text in _TEXTS), ("size_bytes", int)):
        if key in table and type(table[key]) is not expected:
            return f"{key} is {table[key]!r}, expected {expected.__name__}"
    return None


def _fault(entry: ModelEntry) -> str | None:
    """What is wrong with the values of an entry, or None."""
    if not _SHA256.fullmatch(entry.sha256):
        return f"sha256 {entry.sha256!r} is no sha256"
    if (entry.kind is ModelKind.WHEEL) != (entry.package is not None):
        return "kind wheel goes with a package"
    if entry.address and not entry.address.startswith("https://"):
        return f"address {entry.address!r} is no https:// address (empty: it cannot be fetched)"
    if not entry.path or ".." in Path(entry.path).parts:
        return f"path {entry.path!r} is no file in the models' folder (nor an absolute path)"
    if not 0.1 <= entry.crop <= 10:
        return f"crop is {entry.crop}, expected 0.1 to 10 sizes of the face"
    if entry.size_bytes < 0:
        return f"size_bytes is {entry.size_bytes}, expected 1 or more (0: unknown)"
    return None

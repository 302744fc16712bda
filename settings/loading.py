"""Reads a program's settings once, or says for each wrong one what to write instead.

The only module beside the programs' `config.py` that touches the environment.
"""

from __future__ import annotations

import difflib
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from dotenv.parser import parse_stream
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from pydantic.fields import FieldInfo

ENV_FILES: Final = (Path(".env"), Path(".env.production"))
"""Read from the working directory in this order, later ones win; the environment wins over all."""

ALIKE: Final = 0.85
"""How much two keys have in common of which one is the other mistyped (`difflib`'s ratio)."""

_Settings = TypeVar("_Settings", bound="Settings")


class SettingsInvalid(Exception):
    """One or several settings cannot be used; the text has a paragraph for each."""


class Settings(BaseModel):
    """Base of a program's settings: frozen; each field's alias is its environment key.

    `description` says what it means with its unit, `examples` holds one value to write.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def load(
    settings: type[_Settings],
    *,
    prefixes: Sequence[str],
    environ: Mapping[str, str] | None = None,
    env_files: Sequence[Path] = ENV_FILES,
    overrides: Mapping[str, Any] | None = None,
) -> _Settings:
    """The settings of one program; raises SettingsInvalid naming every wrong key at once.

    `prefixes` are the key families that belong to this program alone: an unknown key of these
    in a file is an error (a typing mistake would silently leave the default in force).
    `overrides` are values by key from the command line.
    """
    known = {key_of(name, field): field for name, field in settings.model_fields.items()}
    values: dict[str, Any] = {}
    complaints: list[str] = []
    for path in env_files:
        found = _read_file(path)
        complaints += [
            _unknown(key, path, known)
            for key in found
            if key not in known and _owned(key, prefixes)
        ]
        values.update({key: value for key, value in found.items() if key in known})
    environment = os.environ if environ is None else environ
    values.update({key: environment[key] for key in known if key in environment})
    values = {key: value for key, value in values.items() if str(value).strip() != ""}
    values.update(overrides or {})
    try:
        loaded = settings.model_validate(values)
    except ValidationError as error:
        complaints += [_wrong(fault, values, known) for fault in error.errors()]
        raise SettingsInvalid("\n".join(complaints)) from None
    if complaints:
        raise SettingsInvalid("\n".join(complaints))
    return loaded


def doubtful_keys(
    settings: type[Settings],
    *,
    prefixes: Sequence[str],
    environ: Mapping[str, str] | None = None,
    env_files: Sequence[Path] = ENV_FILES,
) -> tuple[str, ...]:
    """A sentence for each key that is no setting but was probably meant for one.

    Those that are nearly a key of this program, wherever they stand; and of the environment all of
    the program's own families (in a file `load` refuses those). Raises SettingsInvalid.
    """
    known = {key_of(name, field): field for name, field in settings.model_fields.items()}
    places: list[tuple[Path | str, Mapping[str, str]]] = [
        ("the environment", os.environ if environ is None else environ),
        *((path, _read_file(path)) for path in env_files),
    ]
    said = []
    for place, found in places:
        for key in found:
            if key in known or (_owned(key, prefixes) and isinstance(place, Path)):
                continue
            is_near = difflib.get_close_matches(key, known, n=1, cutoff=ALIKE)
            if is_near or _owned(key, prefixes):
                said.append(_unknown(key, place, known))
    return tuple(said)


def key_of(name: str, field: FieldInfo) -> str:
    """The environment key of a field."""
    return field.alias or name.upper()


def _read_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{path}: cannot be read: {error}") from None
    bindings = list(parse_stream(io.StringIO(text)))
    unreadable = [
        f"{path}, line {binding.original.line}: {_shown_line(binding.original.string)} cannot be "
        "read: write KEY=VALUE, with a quote at both ends of a value or at none"
        for binding in bindings
        if binding.error
    ]
    if unreadable:
        raise SettingsInvalid("\n".join(unreadable))
    return {
        binding.key: binding.value
        for binding in bindings
        if binding.key is not None and binding.value is not None
    }


def _shown_line(text: str) -> str:
    """The beginning of a line up to its value, which may be a secret."""
    key = text.strip().split("=")[0].split()[:1]
    return f"{key[0]} ..." if key else "a line"


def _owned(key: str, prefixes: Sequence[str]) -> bool:
    return key.startswith(tuple(prefixes))


def _unknown(key: str, path: Path | str, known: Mapping[str, FieldInfo]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else "see .env.example for all keys"
    return f"{key} in {path} is not a setting of this program: {hint}"


def _wrong(fault: Any, values: Mapping[str, Any], known: Mapping[str, FieldInfo]) -> str:
    key = str(fault["loc"][0]) if fault["loc"] else ""
    said = str(fault["msg"]).removeprefix("Value error, ")
    field = known.get(key)
    if field is None:
        return said
    secret = field.annotation is not None and "SecretStr" in str(field.annotation)
    value = "(hidden)" if secret else repr(_plain(values.get(key)))
    example = f"\n  write for example: {key}={field.examples[0]}" if field.examples else ""
    about = f"\n  {key}: {field.description}" if field.description else ""
    return f"{key}={value} cannot be used: {said[:1].lower()}{said[1:]}{about}{example}"


def _plain(value: Any) -> Any:
    return "(hidden)" if isinstance(value, SecretStr) else value

"""Settings as text, the way they are written into `.env`; what is secret is not shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

from pydantic import SecretStr

from settings.loading import Settings, SettingsInvalid, key_of

HIDDEN: Final = "***"
_CREDENTIALS: Final = re.compile(r"://.*@")
_QUERY: Final = re.compile(r"(://[^?]*)\?.+")


def shown(settings: Settings) -> dict[str, str]:
    """Every setting by its key, for people: secrets and the credentials in addresses are hidden."""
    return {key: hide_credentials(text) for key, text in _texts(settings).items()}


def value_of(settings: Settings, key: str) -> str:
    """One setting, whole, for a script. Raises SettingsInvalid for a secret or an unknown key."""
    values = _texts(settings)
    if key not in values:
        raise SettingsInvalid(f"{key} is not a setting of this program: see .env.example")
    if values[key] == HIDDEN:
        raise SettingsInvalid(f"{key} is a secret and is never shown")
    return values[key]


def lines_of(settings: Settings, keys: Sequence[str]) -> list[str]:
    """What a command prints: the values of `keys`, a line each, or without any every setting as
    `KEY=value`, for people. Raises SettingsInvalid for a secret or an unknown key."""
    if keys:
        return [value_of(settings, key) for key in keys]
    return [f"{key}={value}" for key, value in shown(settings).items()]


def secrets_of(settings: Settings) -> dict[str, str]:
    """What must not be shown, by its key: secrets, and addresses, which may carry one. For whoever
    takes them out of other texts."""
    found = {}
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            found[key_of(name, field)] = value.get_secret_value()
        elif isinstance(value, str) and "://" in value:
            found[key_of(name, field)] = value
    return found


def hide_credentials(address: str) -> str:
    """Without user and password; cameras take passwords in the query too."""
    return _QUERY.sub(rf"\1?{HIDDEN}", _CREDENTIALS.sub(f"://{HIDDEN}@", address))


def _texts(settings: Settings) -> dict[str, str]:
    return {
        key_of(name, field): _text(getattr(settings, name))
        for name, field in type(settings).model_fields.items()
    }


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            return HIDDEN if value.get_secret_value() else ""
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case Enum():
            return str(value.value)
        case Mapping():
            return ",".join(f"{key}={_text(item)}" for key, item in value.items())
        case tuple() | list():
            return ",".join(_text(item) for item in value)
        case _:
            return str(value)

"""Device tokens: made, listed, revoked, looked up. Only their SHA-256 is kept."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import apsw

from server.device_token import DeviceToken, digest_of, new_token
from server.errors import StartRefused, TokenRefused
from server.storage.connection import open_reader, transaction
from server.storage.times import stamp

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_COLUMNS: Final = "name, token_sha256, created_at, revoked_at, last_used_at"


def check_name(name: str) -> None:
    """Raises TokenRefused where no camera can have that name."""
    if _NAME.fullmatch(name) is None:
        raise TokenRefused(
            f"{name!r} is no name for a camera: expected 1 to 64 letters, digits, dots, dashes or "
            "underscores, beginning with a letter or digit, such as gate-1"
        )


def has_one(name: str, created_at: str) -> TokenRefused:
    """There is a token of that name in force."""
    return TokenRefused(
        f"{name} has a token since {created_at}; revoke it first: "
        f"python -m server token revoke {name}"
    )


def has_none(name: str) -> TokenRefused:
    """There never was a token of that name."""
    return TokenRefused(f"there is no token of the name {name!r}; see python -m server token list")


def was_revoked(name: str, revoked_at: str) -> TokenRefused:
    """There is none any more."""
    return TokenRefused(f"the token of {name} was revoked already, {revoked_at}")


def create_token(connection: apsw.Connection, name: str, now: datetime) -> str:
    """A new token for the camera `name`, to be shown once; raises TokenRefused."""
    check_name(name)
    token = new_token()
    with transaction(connection):
        held = _by_name(connection, name)
        if held is not None and held.revoked_at is None:
            raise has_one(name, held.created_at)
        connection.execute(
            "INSERT OR REPLACE INTO device_tokens (name, token_sha256, created_at) "
            "VALUES (?, ?, ?)",
            (name, digest_of(token), stamp(now)),
        )
    return token


def revoke_token(connection: apsw.Connection, name: str, now: datetime) -> None:
    """Ends a token; its connections are closed within seconds. Raises TokenRefused."""
    with transaction(connection):
        held = _by_name(connection, name)
        if held is None:
            raise has_none(name)
        if held.revoked_at is not None:
            raise was_revoked(name, held.revoked_at)
        connection.execute(
            "UPDATE device_tokens SET revoked_at = ? WHERE name = ?", (stamp(now), name)
        )


def list_tokens(connection: apsw.Connection) -> list[DeviceToken]:
    """All tokens, also revoked ones, by name."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM device_tokens ORDER BY name")  # noqa: S608 (our own columns)
    return [_token(row) for row in rows]


def find_token(connection: apsw.Connection, token_sha256: bytes) -> DeviceToken | None:
    """The token with that hash, also a revoked one."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM device_tokens WHERE token_sha256 = ?",  # noqa: S608 (our own columns)
        (token_sha256,),
    ).fetchone()
    return _token(row) if row else None


def live_tokens(connection: apsw.Connection) -> frozenset[bytes]:
    """The SHA-256 of every token that is not revoked."""
    rows = connection.execute("SELECT token_sha256 FROM device_tokens WHERE revoked_at IS NULL")
    return frozenset(digest for (digest,) in rows)


def name_has_token(connection: apsw.Connection, name: str) -> bool:
    """Whether a token of that name is in force."""
    held = _by_name(connection, name)
    return held is not None and held.revoked_at is None


def has_live_token(database: Path) -> bool:
    """Whether a database, which may not exist yet or be an older server's, has a token in force.

    Raises StartRefused where it cannot be read (disk full or broken).
    """
    if not database.is_file():
        return False
    try:
        with contextlib.closing(open_reader(database)) as connection:
            return bool(live_tokens(connection))
    except (apsw.SQLError, apsw.NotADBError):
        return False
    except apsw.Error as error:
        raise StartRefused(
            f"{database} cannot be read ({error}): check that its disk works and has room"
        ) from error


def note_use(connection: apsw.Connection, names: Collection[str], now: datetime) -> None:
    """Writes when tokens were used last; within the caller's transaction."""
    connection.executemany(
        "UPDATE device_tokens SET last_used_at = ? WHERE name = ?",
        [(stamp(now), name) for name in names],
    )


def _by_name(connection: apsw.Connection, name: str) -> DeviceToken | None:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM device_tokens WHERE name = ?",  # noqa: S608 (our own columns)
        (name,),
    ).fetchone()
    return _token(row) if row else None


def _token(row: tuple[Any, ...]) -> DeviceToken:
    name, digest, created_at, revoked_at, last_used_at = row
    return DeviceToken(
        name=name,
        token_sha256=bytes(digest),
        created_at=created_at,
        revoked_at=revoked_at,
        last_used_at=last_used_at,
    )

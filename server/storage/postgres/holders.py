"""Tokens of devices in PostgreSQL, for the command line: made, listed, revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from server.device_token import DeviceToken, digest_of, new_token
from server.storage.postgres.connection import Connection, opened
from server.storage.postgres.failures import storage_errors
from server.storage.times import stamp
from server.storage.tokens import check_name, has_none, has_one, was_revoked

_ALL: Final = (
    "SELECT name, token_sha256, created_at, revoked_at, last_used_at FROM device_tokens "
    "ORDER BY name"
)
_MAKE: Final = (
    "INSERT INTO device_tokens (name, token_sha256, created_at) VALUES ($1, $2, $3) "
    "ON CONFLICT (name) DO UPDATE SET token_sha256 = excluded.token_sha256, "
    "created_at = excluded.created_at, revoked_at = NULL, last_used_at = NULL "
    "WHERE device_tokens.revoked_at IS NOT NULL RETURNING name"
)


async def has_live_token(url: str) -> bool:
    """Also of a database that is not made yet. Raises StartRefused."""
    connection = await opened(url)
    try:
        if await connection.fetchval("SELECT to_regclass('device_tokens') IS NULL"):
            return False
        return bool(
            await connection.fetchval(
                "SELECT EXISTS (SELECT 1 FROM device_tokens WHERE revoked_at IS NULL)"
            )
        )
    finally:
        await connection.close()


async def list_tokens(connection: Connection) -> list[DeviceToken]:
    """All tokens, also revoked ones, by name."""
    with storage_errors():
        return [DeviceToken(**row) for row in await connection.fetch(_ALL)]


async def create_token(connection: Connection, name: str, now: datetime) -> str:
    """A new token for the camera `name`, to be shown once; raises TokenRefused."""
    check_name(name)
    token = new_token()
    with storage_errors():
        made = await connection.fetchval(_MAKE, name, digest_of(token), stamp(now))
        if made is None:
            raise has_one(name, await _created_at(connection, name))
    return token


async def revoke_token(connection: Connection, name: str, now: datetime) -> None:
    """Ends a token; its connections are closed within seconds. Raises TokenRefused."""
    with storage_errors():
        revoked = await connection.fetchval(
            "UPDATE device_tokens SET revoked_at = $1 WHERE name = $2 AND revoked_at IS NULL "
            "RETURNING name",
            stamp(now),
            name,
        )
        if revoked is None:
            before = await connection.fetchval(
                "SELECT revoked_at FROM device_tokens WHERE name = $1", name
            )
            raise has_none(name) if before is None else was_revoked(name, before)


async def _created_at(connection: Connection, name: str) -> str:
    return str(
        await connection.fetchval("SELECT created_at FROM device_tokens WHERE name = $1", name)
    )

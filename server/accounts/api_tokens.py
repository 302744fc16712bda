"""The table of API tokens: only the SHA-256 of each is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from server.accounts.contract import ApiToken
from server.accounts.permissions import Permission
from server.accounts.times import moment_of, moment_or_none
from server.device_token import digest_of, new_token
from server.errors import AccountRefused
from server.row_id import is_id
from server.storage.asking import Reader, Writer
from server.storage.times import stamp

MOST_OF_ONE_ACCOUNT: Final = 50
"""Tokens in force."""
_SELECT: Final = (
    "SELECT t.id, t.user_id, u.name, t.name, t.scopes, t.created_at, t.expires_at, "
    "t.last_used_at, t.revoked_at FROM api_tokens t JOIN users u ON u.id = t.user_id"
)
_BY_VALUE: Final = {permission.value: permission for permission in Permission}


def make(
    writer: Writer,
    *,
    owner_id: int,
    name: str,
    scopes: frozenset[Permission],
    expires_at: datetime | None,
    now: datetime,
) -> str:
    """A new token, to be shown once; raises AccountRefused."""
    held = [token for token in list_tokens(writer, owner_id) if token.revoked_at is None]
    if any(token.name == name for token in held):
        raise AccountRefused(f"there is a token {name!r} already: revoke it, or name this another")
    if len(held) >= MOST_OF_ONE_ACCOUNT:
        raise AccountRefused(f"{len(held)} tokens are in force: revoke those that are not used")
    token = new_token()
    writer.change(
        "INSERT INTO api_tokens (user_id, name, token_sha256, scopes, created_at, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            owner_id,
            name,
            digest_of(token),
            " ".join(sorted(scope.value for scope in scopes)),
            stamp(now),
            expires_at and stamp(expires_at),
        ),
    )
    return token


def list_tokens(reader: Reader, owner_id: int | None = None) -> list[ApiToken]:
    """Of everybody or of one account, newest first."""
    rows = reader.rows(
        f"{_SELECT} WHERE t.user_id = coalesce(?, t.user_id) ORDER BY t.id DESC", (owner_id,)
    )
    return [_token(row) for row in rows]


def token(reader: Reader, token_id: int) -> ApiToken:
    """Raises AccountRefused."""
    row = reader.row(f"{_SELECT} WHERE t.id = ?", (token_id,)) if is_id(token_id) else None
    if row is None:
        raise AccountRefused(f"there is no token number {token_id}")
    return _token(row)


def find(reader: Reader, digest: bytes) -> ApiToken | None:
    """The token with that hash, also a revoked or expired one."""
    row = reader.row(f"{_SELECT} WHERE t.token_sha256 = ?", (digest,))
    return None if row is None else _token(row)


def revoke(writer: Writer, token_id: int, now: datetime) -> None:
    writer.change(
        "UPDATE api_tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
        (stamp(now), token_id),
    )


def note_uses(writer: Writer, uses: Mapping[bytes, datetime]) -> None:
    """Writes when tokens were used last."""
    writer.change_each(
        "UPDATE api_tokens SET last_used_at = ? WHERE token_sha256 = ?",
        [(stamp(at), digest) for digest, at in uses.items()],
    )


def _token(row: Any) -> ApiToken:
    number, owner_id, owner, name, scopes, created_at, expires_at, last_used_at, revoked_at = row
    return ApiToken(
        id=number,
        owner_id=owner_id,
        owner=owner,
        name=name,
        scopes=frozenset(_BY_VALUE[each] for each in scopes.split() if each in _BY_VALUE),
        created_at=moment_of(created_at),
        expires_at=moment_or_none(expires_at),
        last_used_at=moment_or_none(last_used_at),
        revoked_at=moment_or_none(revoked_at),
    )

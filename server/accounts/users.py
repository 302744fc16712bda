"""The table of accounts: plain reads and writes, each within the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from server.accounts.contract import Standing, User
from server.accounts.permissions import Role
from server.accounts.times import moment_of, moment_or_none
from server.errors import AccountRefused
from server.row_id import is_id
from server.storage.asking import Reader, Writer
from server.storage.times import stamp

_COLUMNS: Final = "id, name, full_name, role, standing, created_at, last_sign_in_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An account with its password's hash."""

    user: User
    password_hash: str


def list_users(reader: Reader) -> list[User]:
    """Pending ones first, then by name."""
    rows = reader.rows(
        f"SELECT {_COLUMNS} FROM users ORDER BY standing <> 'pending', lower(name)"  # noqa: S608 (our own columns)
    )
    return [_user(row) for row in rows]


def user(reader: Reader, user_id: int) -> User:
    """Raises AccountRefused."""
    sql = f"SELECT {_COLUMNS} FROM users WHERE id = ?"  # noqa: S608 (our own columns)
    row = reader.row(sql, (user_id,)) if is_id(user_id) else None
    if row is None:
        raise AccountRefused(f"there is no account number {user_id}; it may have been rejected")
    return _user(row)


def user_named(reader: Reader, name: str) -> User:
    """Whatever the letters' case; raises AccountRefused."""
    found = credentials(reader, name)
    if found is None:
        raise AccountRefused(f"there is no account {name!r}; see python -m server user list")
    return found.user


def credentials(reader: Reader, name: str) -> Credentials | None:
    """Of the account of that name, whatever the letters' case."""
    row: Any = reader.row(
        f"SELECT {_COLUMNS}, password_hash FROM users WHERE lower(name) = lower(?)",  # noqa: S608 (our own columns)
        (name,),
    )
    if row is None:
        return None
    return Credentials(user=_user(row[:-1]), password_hash=row[-1])


def insert(
    writer: Writer,
    *,
    name: str,
    full_name: str,
    role: Role,
    standing: Standing,
    password_hash: str,
    now: datetime,
) -> User:
    """Raises AccountRefused where the name is taken."""
    if credentials(writer, name) is not None:
        raise AccountRefused(f"there is an account {name} already: choose another name")
    made: Any = writer.row(
        "INSERT INTO users (name, full_name, role, standing, password_hash, created_at) "  # noqa: S608 (our own columns)
        f"VALUES (?, ?, ?, ?, ?, ?) RETURNING {_COLUMNS}",
        (name, full_name, role.value, standing.value, password_hash, stamp(now)),
    )
    return _user(made)


def update(
    writer: Writer,
    user_id: int,
    *,
    role: Role | None = None,
    standing: Standing | None = None,
    password_hash: str | None = None,
    signed_in_at: datetime | None = None,
) -> None:
    """Sets what is given."""
    writer.change(
        "UPDATE users SET role = coalesce(?, role), standing = coalesce(?, standing), "
        "password_hash = coalesce(?, password_hash), "
        "last_sign_in_at = coalesce(?, last_sign_in_at) WHERE id = ?",
        (
            role and role.value,
            standing and standing.value,
            password_hash,
            signed_in_at and stamp(signed_in_at),
            user_id,
        ),
    )


def delete(writer: Writer, user_id: int) -> None:
    writer.change("DELETE FROM users WHERE id = ?", (user_id,))


def count(reader: Reader, *, standing: Standing, role: Role | None = None) -> int:
    """Accounts of that standing, and of that role where one is given."""
    found = reader.rows(
        "SELECT count(*) FROM users WHERE standing = ? AND role = coalesce(?, role)",
        (standing.value, role and role.value),
    )
    return int(found[0][0])


def _user(row: Any) -> User:
    number, name, full_name, role, standing, created_at, last_sign_in_at = row
    return User(
        id=number,
        name=name,
        full_name=full_name,
        role=Role(role),
        standing=Standing(standing),
        created_at=moment_of(created_at),
        last_sign_in_at=moment_or_none(last_sign_in_at),
    )

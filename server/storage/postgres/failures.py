"""What this program makes of PostgreSQL's errors."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final

import asyncpg

from server.errors import GroupRefused, StorageUnavailable
from wire.errors import ErrorCode

_BUSY: Final = ("40", "55")
"""Classes of SQLSTATE (postgresql.org, appendix A): transactions in each other's way, locks."""
_OF_THE_ROW: Final = ("21", "22", "23", "44", "54", "P0")
"""Something in a row: the database itself is well. Of 54 is a text too long for an index; not here
is 42, a table or a right that is missing, for which no row can do anything."""

_NOT_REACHED: Final = (
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
    asyncpg.exceptions.ClientConfigurationError,
)
"""Some are ValueErrors too, a certificate that has run out for one."""


@contextlib.contextmanager
def storage_errors() -> Iterator[None]:
    """Turns what the database raises into StorageUnavailable, or GroupRefused by a row at fault.

    A connection that is lost while a transaction commits leaves open whether it did: that too is
    StorageUnavailable, and the same rows sent again are duplicates.
    """
    try:
        yield
    except asyncpg.PostgresError as error:
        raise _translated(error) from error
    except _NOT_REACHED as error:
        raise _unavailable(error) from error
    except (ValueError, TypeError, OverflowError) as error:
        # before InterfaceError: what asyncpg cannot write as its column's type is both
        raise GroupRefused(f"{type(error).__name__}: {error}") from error
    except asyncpg.InterfaceError as error:
        raise _unavailable(error) from error


def _translated(error: asyncpg.PostgresError) -> StorageUnavailable | GroupRefused:
    state = str(getattr(error, "sqlstate", "") or "")
    if state.startswith(_OF_THE_ROW):
        return GroupRefused(f"{type(error).__name__}: {error}")
    if state.startswith(_BUSY):
        return StorageUnavailable(
            ErrorCode.BUSY, f"the database is busy with others: {error}", retry_after_s=1.0
        )
    return _unavailable(error)


def _unavailable(error: BaseException) -> StorageUnavailable:
    said = str(error) or type(error).__name__
    return StorageUnavailable(
        ErrorCode.STORAGE_FAILED, f"the database cannot be used: {said}", retry_after_s=5.0
    )

"""One-time links by which the first admin is made, only their SHA-256 kept: each process with pages
that starts while there is none prints one, and the first that is used ends all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from server.accounts.times import moment_of
from server.device_token import digest_of, new_token
from server.row_id import LARGEST_ID
from server.storage.asking import Reader, Writer
from server.storage.times import stamp

LASTS: Final = timedelta(hours=24)
MOST_LINKS: Final = 8
"""As many processes with pages may start together."""


def make(writer: Writer, now: datetime) -> str:
    """A new key. Those that are too old go, and all but the latest."""
    writer.change("DELETE FROM setup_links WHERE expires_at <= ?", (stamp(now),))
    writer.change(
        "DELETE FROM setup_links WHERE key_sha256 IN (SELECT key_sha256 FROM setup_links "
        "ORDER BY expires_at DESC LIMIT ? OFFSET ?)",
        (LARGEST_ID, MOST_LINKS - 1),
    )
    key = new_token()
    writer.change(
        "INSERT INTO setup_links VALUES (?, ?, ?)", (digest_of(key), stamp(now), stamp(now + LASTS))
    )
    return key


def is_good(reader: Reader, key: str, now: datetime) -> bool:
    row = reader.row("SELECT expires_at FROM setup_links WHERE key_sha256 = ?", (digest_of(key),))
    return row is not None and now < moment_of(row[0])


def end_all(writer: Writer) -> None:
    writer.change("DELETE FROM setup_links")

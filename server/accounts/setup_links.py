"""The one-time link by which the first admin is made: one in force, only its SHA-256 kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from server.accounts.times import moment_of
from server.device_token import digest_of, new_token
from server.storage.asking import Reader, Writer
from server.storage.times import stamp

LASTS: Final = timedelta(hours=24)


def make(writer: Writer, now: datetime) -> str:
    """A new key; earlier ones are good for nothing from now on."""
    end_all(writer)
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

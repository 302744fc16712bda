"""Tokens: shown once, kept as a hash, one in force for each name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from server.device_token import digest_of
from server.errors import TokenRefused
from server.storage import tokens
from server.storage.adoption import prepare_database
from server.storage.connection import open_writer

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    prepare_database(tmp_path / "server.db", zone_of=lambda _: UTC, now=NOW)
    opened = open_writer(tmp_path / "server.db")
    yield opened
    opened.close()


def test_only_the_hash_of_a_token_is_kept(connection: apsw.Connection, tmp_path: Path) -> None:
    token = tokens.create_token(connection, "gate-1", NOW)
    assert len(token) == 43  # 256 bits in base64
    found = tokens.find_token(connection, digest_of(token))
    assert found is not None
    assert found.name == "gate-1"
    assert tokens.find_token(connection, digest_of(token + "x")) is None
    connection.close()
    assert token.encode() not in (tmp_path / "server.db").read_bytes()


def test_a_name_has_one_token_in_force(connection: apsw.Connection) -> None:
    first = tokens.create_token(connection, "gate-1", NOW)
    with pytest.raises(TokenRefused, match="token revoke gate-1"):
        tokens.create_token(connection, "gate-1", NOW)
    tokens.revoke_token(connection, "gate-1", NOW)
    assert tokens.live_tokens(connection) == frozenset()
    second = tokens.create_token(connection, "gate-1", NOW)
    assert first != second
    assert tokens.find_token(connection, digest_of(first)) is None
    assert tokens.live_tokens(connection) == {digest_of(second)}


def test_what_cannot_be_revoked_is_named(connection: apsw.Connection) -> None:
    with pytest.raises(TokenRefused, match="no token of the name 'gate-9'"):
        tokens.revoke_token(connection, "gate-9", NOW)
    tokens.create_token(connection, "gate-1", NOW)
    tokens.revoke_token(connection, "gate-1", NOW)
    with pytest.raises(TokenRefused, match="revoked already"):
        tokens.revoke_token(connection, "gate-1", NOW)


@pytest.mark.parametrize("name", ["", "a b", "classic:x", "-x", "x" * 65, "ปาก", "a/b"])
def test_a_name_that_a_camera_cannot_have_is_refused(
    connection: apsw.Connection, name: str
) -> None:
    with pytest.raises(TokenRefused, match="no name for a camera"):
        tokens.create_token(connection, name, NOW)

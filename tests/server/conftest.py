"""A real server on free ports with its files in the test's own folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from server.config import ServerSettings

Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    return settings_in(tmp_path)


def settings_in(folder: Path, **given: Any) -> ServerSettings:
    return ServerSettings.load(
        environ={},
        env_files=[],
        **{
            "port": 0,
            "web_port": 0,
            "db_path": folder / "server.db",
            "log_file": folder / "server.log",
            **given,
        },
    )


@pytest.fixture
def query(settings: ServerSettings) -> Query:
    """Reads the server's database as any other program would."""

    def ask(sql: str) -> list[tuple[Any, ...]]:
        connection = apsw.Connection(str(settings.db_path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            connection.set_busy_timeout(5000)
            return list(connection.execute(sql))
        finally:
            connection.close()

    return ask


def connections_to(path: Path) -> list[apsw.Connection]:
    """The open connections of this process to a database file, a running server's among them."""
    return [each for each in apsw.connections() if each.filename == str(path)]

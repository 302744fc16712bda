"""Two servers never share a database."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from server.errors import StartRefused
from server.storage.lock import DatabaseLock


def test_the_second_is_told_who_has_it(tmp_path: Path) -> None:
    database = tmp_path / "server.db"
    with DatabaseLock(database):
        with (
            pytest.raises(StartRefused, match=f"process {os.getpid()}"),
            DatabaseLock(database),
        ):
            pass
        with DatabaseLock(tmp_path / "other.db"):
            pass
    with DatabaseLock(database):
        pass

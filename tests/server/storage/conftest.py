"""A centre on each database that there is, for tests of what both have to do alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.storage.databases import Databases
from tests.server.storage.history import Site, either_in
from tests.server.storage.stores import KINDS


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> str | None:
    """Of a database in PostgreSQL; None: in SQLite."""
    if request.param == "sqlite":
        return None
    databases: Databases = request.getfixturevalue("databases")
    return databases.cleaned()


@pytest.fixture
async def either(url: str | None, tmp_path: Path) -> AsyncIterator[Site]:
    async with either_in(tmp_path, url) as opened:
        yield opened

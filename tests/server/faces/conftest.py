"""Every store of the gallery, one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.faces.kept_faces import STORES, Place
from tests.server.storage.databases import Databases


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store_url(kind: str, request: pytest.FixtureRequest) -> str:
    """Of a database in PostgreSQL, where there is to be one."""
    if kind == "sqlite":
        return ""
    databases: Databases = request.getfixturevalue("databases")
    return databases.cleaned()


@pytest.fixture
async def place(kind: str, store_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with STORES[kind](tmp_path, store_url) as made:
        yield made

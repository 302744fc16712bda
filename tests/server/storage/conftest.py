"""A centre on each database that there is, for tests of what both have to do alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.storage.history import Site, either_in


@pytest.fixture
async def either(url: str | None, tmp_path: Path) -> AsyncIterator[Site]:
    async with either_in(tmp_path, url) as opened:
        yield opened

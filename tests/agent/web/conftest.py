"""One camera for all tests of a module that only ask, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.agent.web.camera import Camera, running_camera

PLATES = ("WA56660", "KR1234A", "WA56660", "<script>alert(1)</script>", "=1+1", "1กก 1234")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def camera(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Camera]:
    async with running_camera(tmp_path_factory.mktemp("camera")) as running:
        running.pass_by(*PLATES)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(camera: Camera) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=camera.url, timeout=20) as client:
        yield client

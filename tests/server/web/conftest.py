"""Accounts for the web's tests, and a site on them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.library import library_in_sqlite
from server.storage.ground import ground_on
from server.watch_side import watch_side
from tests.server.accounts.conftest import House, house  # noqa: F401 - a fixture
from tests.server.conftest import settings_in
from tests.server.faces.galleries import service_on
from tests.server.web.site import Site
from vision.networks import Networks, NetworkSettings


@pytest.fixture
async def site(house: House) -> AsyncIterator[Site]:  # noqa: F811 - the fixture of that name
    """Its face gallery has no models."""
    settings = settings_in(house.path.parent, db_path=house.path)
    networks = Networks(NetworkSettings(threads=1))
    with library_in_sqlite(settings) as library:
        faces = service_on(
            house.path,
            networks,
            house.store,
            house.clock.now,
            sightings=library.face_sightings,
        )
        async with watch_side(
            settings,
            ground_on(settings.db_path),
            auditor=house.store,
            pictures=library.pictures,
            now=house.clock.now,
        ) as watching:
            yield Site(house, library, faces, watching)
        await faces.close()
    networks.close()

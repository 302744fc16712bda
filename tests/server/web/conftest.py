"""Accounts for the web's tests, and a site on them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.library import library_of
from tests.server.accounts.conftest import House, house  # noqa: F401 - a fixture
from tests.server.conftest import settings_in
from tests.server.web.site import Site


@pytest.fixture
def site(house: House) -> Iterator[Site]:  # noqa: F811 - the fixture of that name
    settings = settings_in(house.path.parent, db_path=house.path)
    with library_of(settings) as library:
        yield Site(house, library)

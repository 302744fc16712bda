"""Accounts for the web's tests, and a site on them."""

from __future__ import annotations

import pytest

from tests.server.accounts.conftest import House, house  # noqa: F401 - a fixture
from tests.server.web.site import Site


@pytest.fixture
def site(house: House) -> Site:  # noqa: F811 - the fixture of that name
    return Site(house)

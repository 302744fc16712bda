"""Alerts on each database that there is."""

from __future__ import annotations

from tests.server.storage.conftest import url  # noqa: F401 - a fixture

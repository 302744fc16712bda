"""The page of channels knows by name what the server's settings begin beside them."""

from __future__ import annotations

from server.egress_side import MQTT, STREAM
from server.web.pages.channels import SETTLED


def test_all_that_settings_begin_is_shown_under_the_names_of_its_parts() -> None:
    assert set(SETTLED) == {MQTT, STREAM}

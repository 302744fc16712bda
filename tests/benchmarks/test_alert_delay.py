"""A few alerts against a real server and real receivers: each is told everywhere and timed."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from benchmarks.alert_delay import measure


@pytest.mark.system
def test_each_alert_is_told_everywhere_and_timed(tmp_path: Path) -> None:
    if shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin") is None:
        pytest.skip("Debian's package mosquitto is not installed")
    result = asyncio.run(measure(tmp_path, entries=50, alerts=2))
    assert result.alerts == 2
    for delays in (result.alert, result.webhook, result.mail, result.mqtt):
        assert 0 <= delays.median_ms <= delays.most_ms
    assert result.webhook.median_ms > result.alert.median_ms

"""docs/monitoring.md lists the metrics that there are, as they are."""

from __future__ import annotations

import re
from pathlib import Path

from telemetry.catalogue import CATALOGUE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "monitoring.md"
ROW = re.compile(r"^\| `(\w+_\w+)` \| (counter|gauge|histogram) \| (.*) \| (.+) \|$", re.MULTILINE)


def test_page_lists_every_metric_as_it_is_and_no_other() -> None:
    told = {
        name: (kind, tuple(re.findall(r"`(\w+)`", labels)), meaning)
        for name, kind, labels, meaning in ROW.findall(PAGE.read_text("utf-8"))
    }
    assert told == {
        metric.name: (metric.kind.value, metric.labels, metric.meaning) for metric in CATALOGUE
    }

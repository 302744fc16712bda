"""What monitoring/ ships, parsed: alerts, and the queries of every panel."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "monitoring"
DASHBOARDS = tuple(sorted((FOLDER / "grafana" / "dashboards").glob("*.json")))
PROMETHEUS = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")
AMTOOL = shutil.which("amtool")

_COMPARISON = re.compile(r"(?P<value>.+) (?:<|>) (?P<limit>[\d.e]+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One rule; `value` is its expression without the comparison at its end."""

    name: str
    expression: str
    value: str
    severity: str


def alerts() -> list[Alert]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))["groups"]
    return [_alert(rule) for group in groups for rule in group["rules"]]


def _alert(rule: dict[str, Any]) -> Alert:
    found = _COMPARISON.fullmatch(rule["expr"])
    assert found, f"{rule['alert']}: expected VALUE < LIMIT or VALUE > LIMIT, got {rule['expr']}"
    return Alert(
        name=rule["alert"],
        expression=rule["expr"],
        value=found["value"],
        severity=rule["labels"]["severity"],
    )


def dashboard(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def panel_queries() -> dict[str, str]:
    """Each query by dashboard, panel and letter, as Grafana would send it with nothing chosen."""
    return {
        f"{path.stem}: {panel['title']}: {target['refId']}": target["expr"]
        .replace("$__rate_interval", "10s")
        .replace("$instance", ".*")
        for path in DASHBOARDS
        for panel in dashboard(path)["panels"]
        for target in panel["targets"]
    }

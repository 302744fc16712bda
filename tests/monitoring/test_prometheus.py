"""A real Prometheus scrapes a running server and agent: every alert and panel gets its data."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from tests.end_to_end.programs import wait_until
from tests.monitoring.shipped import PROMETHEUS, alerts, panel_queries
from tests.monitoring.site import Watched, watched_site

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(PROMETHEUS is None, reason="needs the Debian package prometheus"),
]
HARDWARE = ("sightpost_machine_temperature_celsius", "ai_service_gpu_utilization_percent")
"""Needs a sensor and an accelerator: where there are none these are absent, never 0."""
WITHIN_S = 60.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched_site(tmp_path_factory.mktemp("site")) as site:
        yield site


def expects_data(query: str, site: Watched) -> bool:
    needed = [name for name in HARDWARE if name in query]
    return all(site.values(name) for name in needed)


def test_every_alert_and_every_panel_gets_data(site: Watched) -> None:
    site.correct_a_reading()
    missing = {f"alert {alert.name}": alert.value for alert in alerts()} | panel_queries()
    missing = {name: query for name, query in missing.items() if expects_data(query, site)}
    assert len(missing) > 90

    def all_came() -> bool:
        came = [name for name, query in missing.items() if _has_value(site, query)]
        for name in came:
            del missing[name]
        return not missing

    try:
        wait_until(all_came, what="data for every query", timeout_s=WITHIN_S)
    except AssertionError:
        raise AssertionError("\n".join(f"{n}: {q}" for n, q in missing.items())) from None


def _has_value(site: Watched, query: str) -> bool:
    return any(not math.isnan(value) for value in site.values(query))


def test_every_target_answers_and_every_rule_is_evaluated(site: Watched) -> None:
    def are_up() -> bool:
        return site.values('up{job=~".+-service"}') == [1, 1, 1]

    wait_until(are_up, what="three targets that are up", timeout_s=WITHIN_S)
    targets = site.ask("targets")["activeTargets"]
    assert [target["lastError"] for target in targets] == ["", "", ""]
    rules = [rule for group in site.ask("rules")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules} == {alert.name for alert in alerts()}
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}


def test_cameras_count_what_the_server_counts(site: Watched) -> None:
    """Both tell of the same rows: what the camera has acknowledged, the server has stored."""

    def agree() -> bool:
        acknowledged = site.values('sum(sightpost_outbox_rows{state="acknowledged"})')
        stored = site.values("sum(sightpost_fleet_rows_total)")
        return bool(stored) and acknowledged == stored and stored[0] > 0

    wait_until(agree, what="the same number at both ends", timeout_s=WITHIN_S)

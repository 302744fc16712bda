"""Alerts speak and stay silent when they should, and reach who they should: the real tools say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from telemetry.catalogue import CATALOGUE
from tests.monitoring.shipped import AMTOOL, FOLDER, PROMTOOL, alerts, panel_queries

TESTS = (FOLDER / "alerts_test.yml", FOLDER / "alerts_of_days_test.yml")

needs_promtool = [
    pytest.mark.system,
    pytest.mark.skipif(PROMTOOL is None, reason="needs the Debian package prometheus"),
]
needs_amtool = [
    pytest.mark.system,
    pytest.mark.skipif(AMTOOL is None, reason="needs the Debian package prometheus-alertmanager"),
]


def run(*command: str | Path | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=60
    )


class TestPromtool:
    pytestmark = needs_promtool

    def test_every_alert_speaks_and_stays_silent_as_its_unit_tests_say(self) -> None:
        tested = run(PROMTOOL, "test", "rules", *TESTS)
        assert tested.returncode == 0, tested.stdout + tested.stderr

    def test_a_wrong_expectation_fails(self, tmp_path: Path) -> None:
        tests = yaml.safe_load((FOLDER / "alerts_test.yml").read_text("utf-8"))
        tests["tests"] = [each for each in tests["tests"] if "HighErrorRate" in each["name"]]
        (tmp_path / "alerts.yml").write_text(
            (FOLDER / "alerts.yml").read_text("utf-8").replace("> 0.05", "> 0.5")
        )
        (tmp_path / "alerts_test.yml").write_text(yaml.safe_dump(tests))
        tested = run(PROMTOOL, "test", "rules", tmp_path / "alerts_test.yml")
        assert tested.returncode != 0
        assert "FAILED" in tested.stdout + tested.stderr

    def test_configuration_is_sound_and_names_the_rules(self) -> None:
        checked = run(PROMTOOL, "check", "config", FOLDER / "prometheus.yml")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert f"{len(alerts())} rules found" in checked.stdout


def test_every_alert_has_unit_tests_for_both() -> None:
    tests = [test for file in TESTS for test in yaml.safe_load(file.read_text("utf-8"))["tests"]]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    spoken = {case["alertname"] for case in cases if case["exp_alerts"]}
    silent = {case["alertname"] for case in cases if not case["exp_alerts"]}
    assert spoken == silent == {alert.name for alert in alerts()}


def test_readme_says_what_each_alert_asks() -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    told = re.findall(r"^\| `(\w+)` \| (\w+) \|", readme, re.MULTILINE)
    assert told == [(alert.name, alert.severity) for alert in alerts()]


def test_jobs_are_named_as_dashboards_expect() -> None:
    jobs = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    assert [job["job_name"] for job in jobs] == [
        "sightpost-server-service",
        "sightpost-agent-service",
        "prometheus-service",
    ]


def test_queries_ask_for_metrics_that_exist() -> None:
    known = {metric.name for metric in CATALOGUE}
    queries = [*(alert.expression for alert in alerts()), *panel_queries().values()]
    named = {
        re.sub(r"_(?:bucket|sum|count)$", "", name)
        for query in queries
        for name in re.findall(r"\b(?:sightpost|ai|faces)_[a-z_]+", query)
    }
    assert len(named) > 10
    assert named <= known


class TestAmtool:
    pytestmark = needs_amtool

    def test_routes_are_sound_and_secrets_lie_in_files(self) -> None:
        checked = run(AMTOOL, "check-config", FOLDER / "alertmanager.yml")
        assert checked.returncode == 0, checked.stderr
        text = (FOLDER / "alertmanager.yml").read_text("utf-8")
        secrets = re.findall(r"^\s*\S*(?:password|api_url|credentials)\w*:", text, re.MULTILINE)
        assert secrets
        assert all(line.rstrip().endswith("_file:") for line in secrets)

    @pytest.mark.parametrize(
        ("severity", "receiver"), [("critical", "critical"), ("warning", "warnings")]
    )
    def test_alert_goes_to_who_its_severity_asks_for(self, severity: str, receiver: str) -> None:
        routed = run(
            AMTOOL, "config", "routes", "test", "--config.file", FOLDER / "alertmanager.yml",
            f"severity={severity}",
        )  # fmt: skip
        assert routed.stdout.split() == [receiver], routed.stderr

"""The dashboards keep to their schema and can be drawn: Grafana itself is not here to try them."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.monitoring.shipped import DASHBOARDS, FOLDER, dashboard

SCHEMA = json.loads((FOLDER / "grafana" / "dashboard.schema.json").read_text("utf-8"))
PROVISIONING = FOLDER / "grafana" / "provisioning"
each = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def test_there_are_four() -> None:
    stems = [path.stem for path in DASHBOARDS]
    assert stems == ["fleet", "recognition", "resources", "services"]


@each
def test_dashboard_keeps_to_the_schema(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(dashboard(path), SCHEMA, cls=jsonschema.Draft202012Validator)
    assert dashboard(path)["uid"] == f"sightpost-{path.stem}"


def test_schema_finds_what_is_mistyped() -> None:
    content = dashboard(DASHBOARDS[0])
    content["panels"][0]["targets"][0]["exprr"] = "up"
    with pytest.raises(jsonschema.ValidationError, match="exprr"):
        jsonschema.validate(content, SCHEMA, cls=jsonschema.Draft202012Validator)


@each
def test_panels_have_numbers_and_places_of_their_own(path: Path) -> None:
    panels = dashboard(path)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    for one, other in combinations(panels, 2):
        assert not _overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    apart = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not (beside or apart)


def test_provisioning_gives_the_source_that_panels_ask() -> None:
    sources = yaml.safe_load((PROVISIONING / "datasources" / "sightpost.yml").read_text("utf-8"))
    (source,) = sources["datasources"]
    for path in DASHBOARDS:
        for panel in dashboard(path)["panels"]:
            assert panel["datasource"] == {"type": source["type"], "uid": source["uid"]}
    text = (PROVISIONING / "dashboards" / "sightpost.yml").read_text("utf-8")
    (provider,) = yaml.safe_load(text)["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"]

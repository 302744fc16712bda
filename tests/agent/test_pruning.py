"""`python -m agent prune`: what was sent long ago goes, also beside a running agent; no more."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from agent.config import AgentSettings, load_settings
from agent.errors import AgentError, DatabaseUnusable
from agent.outbox.store import Outbox
from agent.pruning import age_of, prune_now
from tests.agent.outbox.ends import asked, settle
from tests.agent.outbox.older_camera import make_older_database
from tests.agent.outbox.sightings import plate


@pytest.fixture
def settings(tmp_path: Path) -> AgentSettings:
    return load_settings(
        environ={"DB_PATH": str(tmp_path / "lpr_data.db"), "AGENT_IMAGES_DIR": str(tmp_path / "p")}
    )


def outbox_of(settings: AgentSettings) -> Outbox:
    return Outbox.open(settings.db_path, settings.images_dir, "camera")


def make_long_ago(path: Path) -> None:
    """Every row was captured, and acknowledged if it was, in the year 2020."""
    asked(path, "UPDATE detection_results SET timestamp = '2020-01-01T00:00:00+00:00'")
    asked(
        path,
        "UPDATE detection_results SET sent_timestamp = '2020-01-02T00:00:00+00:00' "
        "WHERE sent_to_server = 1",
    )


def plates(path: Path) -> list[str]:
    sql = "SELECT license_plate_text FROM detection_results ORDER BY id"
    return [text for (text,) in asked(path, sql)]


def test_only_what_the_server_has_goes_beside_a_running_agent(settings: AgentSettings) -> None:
    with outbox_of(settings) as outbox:
        for text in ("SENT111", "REFU222", "WAIT333"):
            outbox.record(plate(text))
        settle(outbox, acknowledged=1, refused=1)
        make_long_ago(settings.db_path)
        before = len(list(settings.images_dir.glob("*.jpg")))
        said = prune_now(settings, older_than=timedelta(days=30), dry_run=True)
        assert said.startswith("Would go: 1 rows")
        assert plates(settings.db_path) == ["SENT111", "REFU222", "WAIT333"]
        said = prune_now(settings, older_than=timedelta(days=30), dry_run=False)
        assert said.startswith("Gone: 1 rows")
        assert plates(settings.db_path) == ["REFU222", "WAIT333"]
        assert len(list(settings.images_dir.glob("*.jpg"))) == before - 1
        outbox.record(plate("NEXT444"))


def test_new_rows_stay(settings: AgentSettings) -> None:
    with outbox_of(settings) as outbox:
        outbox.record(plate("SENT111"))
        settle(outbox, acknowledged=1)
    assert "Gone: 0 rows" in prune_now(settings, older_than=timedelta(days=1), dry_run=False)
    assert plates(settings.db_path) == ["SENT111"]


def test_older_system_is_not_touched(settings: AgentSettings) -> None:
    make_older_database(settings.db_path, settings.images_dir)
    with pytest.raises(DatabaseUnusable, match="start the agent once first"):
        prune_now(settings, older_than=timedelta(days=1), dry_run=False)
    assert len(plates(settings.db_path)) == 6


def test_no_database_is_said(settings: AgentSettings) -> None:
    with pytest.raises(DatabaseUnusable, match="there is no database"):
        prune_now(settings, older_than=timedelta(days=1), dry_run=True)


@pytest.mark.parametrize("text", ["", "30", "0d", "d", "-1d", "30m"])
def test_age_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(AgentError, match="at least 1d"):
        age_of(text)


def test_age_in_weeks_and_years() -> None:
    assert (age_of("2w"), age_of("1y")) == (timedelta(days=14), timedelta(days=365))

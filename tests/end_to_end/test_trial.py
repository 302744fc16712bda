"""`agent send --test` against the real server: let in where a run would be, and only there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent.config import PREFIXES, AgentSettings
from agent.errors import AgentError
from agent.outbox.store import Outbox
from agent.sender_app import try_server
from server.app import running
from settings.loading import load
from tests.agent.outbox.sightings import plate
from tests.end_to_end.programs import rows_of
from tests.server.conftest import settings_in
from tests.server.ingest.test_tokens_at_the_door import make_token

DATABASE = "db/lpr_data.db"


def camera(folder: Path, port: int, **keys: str) -> AgentSettings:
    overrides: dict[str, Any] = {
        "DB_PATH": folder / DATABASE,
        "AGENT_IMAGES_DIR": folder / "captured",
        "WEBSOCKET_SERVER_URL": f"ws://127.0.0.1:{port}/",
        "HOSTNAME": "aicamera",
        **keys,
    }
    return load(AgentSettings, prefixes=PREFIXES, environ={}, env_files=(), overrides=overrides)


def content(folder: Path) -> dict[str, bytes]:
    return {str(each): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


async def test_the_trial_greets_as_the_run_would_and_writes_nothing(tmp_path: Path) -> None:
    centre, folder = tmp_path / "centre", tmp_path / "camera"
    centre.mkdir()
    with Outbox.open(folder / DATABASE, folder / "captured", "gate-y") as outbox:
        outbox.record_plate(plate("AB1234"))
        epoch = outbox.sending().identity().epoch
    before = content(folder)
    settings = settings_in(centre)
    async with running(settings) as server:
        token = make_token(settings.db_path, "gate-y")

        async def told(place: Path, **keys: str) -> str:
            asked = camera(place, server.ingest_port, AGENT_TOKEN=token, **keys)
            return await asyncio.to_thread(try_server, asked)

        for place in (folder, tmp_path / "new"):
            with pytest.raises(AgentError, match=r"token is of gate-y, hello said other"):
                await told(place, AGENT_DEVICE_ID="other")
        with pytest.raises(AgentError, match="hello said aicamera"):
            await told(tmp_path / "new")  # nobody has chosen a name
        assert rows_of(settings.db_path, "SELECT count(*) FROM cameras") == [(0,)]
        assert "lets gate-y in" in await told(folder)  # by the name that its database bears
        assert "lets gate-y in" in await told(tmp_path / "new", AGENT_DEVICE_ID="gate-y")
    assert content(folder) == before
    assert not (tmp_path / "new").exists()
    epochs = rows_of(settings.db_path, "SELECT epoch, rows_stored FROM camera_epochs")
    assert epochs == [(epoch, 0)]
    assert rows_of(settings.db_path, "SELECT count(*) FROM lpr_detections") == [(0,)]

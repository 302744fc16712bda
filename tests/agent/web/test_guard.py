"""Who goes before the request is whole."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from agent.web.gatekeeper import Gatekeeper
from agent.web.guard import Guard
from agent.web.login import add_login
from agent.web.password import PasswordFile
from telemetry.request_meter import WENT_AWAY
from tests.telemetry.going_away import left_in_the_midst

ORIGIN = "http://127.0.0.1:8000"


async def test_who_goes_in_the_midst_of_logging_in_is_no_fault_of_the_agent(tmp_path: Path) -> None:
    keeper = Gatekeeper(PasswordFile(tmp_path / "password"))
    app = FastAPI()
    add_login(app, keeper)
    app.add_middleware(Guard, keeper=keeper, is_loopback=True)
    statuses = await left_in_the_midst(app, "/login", origin=ORIGIN, address="127.0.0.1")
    keeper.close()
    assert statuses == [WENT_AWAY]

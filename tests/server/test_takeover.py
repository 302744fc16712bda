"""Of two processes one compares faces and raises alerts; when it is killed, the other goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from server.app import running
from tests.server.cameras import v1_camera
from tests.server.conftest import settings_in
from tests.server.faces.tiny_faces import RED, networks, photo
from tests.server.replicas import Replica, until_said
from tests.server.storage.databases import Databases
from tests.server.test_web_role import PATIENCE_S, alerts_at, face_row, matches_at, program_of

BEFORE, AFTER = range(1, 4), range(4, 7)


async def test_faces_are_compared_and_persons_alerted_once_each_when_who_did_it_is_killed(
    databases: Databases, tmp_path: Path
) -> None:
    url = await asyncio.to_thread(databases.migrated)
    models, store = tmp_path / "models", (tmp_path / "pictures").as_uri()
    await asyncio.to_thread(lambda: networks(models).close())
    given = {
        "SERVER_PAGES": "false",
        "SERVER_MODELS_DIR": str(models),
        "SERVER_IMAGE_STORE": store,
    }
    leader = await asyncio.to_thread(lambda: Replica(tmp_path / "leader", url, role="web", **given))
    try:
        for duty in ("faces", "alerts"):
            await until_said(leader, f"duty={duty}", 1)
        settings = settings_in(
            tmp_path, database_url=url, image_store=store, faces=True, models_folder=models
        )
        async with (
            running(settings) as other,
            program_of(other) as program,
            v1_camera(other.ingest_port) as camera,
        ):
            await _watch_for_lan(program)
            sent = [await _sees_lan(camera, number) for number in BEFORE]
            await _until_all_are_alerted(program, sent)
            leader.kill()
            sent += [await _sees_lan(camera, number) for number in AFTER]
            await _until_all_are_alerted(program, sent)
            assert sorted(each["sighting_id"] for each in await matches_at(program)) == sent
            assert sorted(each["sighting_id"] for each in await alerts_at(program)) == sent
            assert {each["repeats"] for each in await alerts_at(program)} == {0}
    finally:
        await asyncio.to_thread(leader.end)


async def _watch_for_lan(program: httpx.AsyncClient) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await program.get("/api/v1/faces/status")).json()["problem"]:  # noqa: ASYNC110 (its index is made ready)
            await asyncio.sleep(0.05)
    made = await program.post(
        "/api/v1/persons",
        data={"name": "Lan"},
        files={"file": ("lan.png", photo(RED), "image/png")},
    )
    assert made.status_code == 201, made.text
    number = made.json()["person"]["class_id"]
    details = {"name": "banned", "subject": "persons", "cooldown_s": 0}
    listed = await program.post("/api/v1/watchlists", json=details)
    assert listed.status_code == 201, listed.text
    entries = f"/api/v1/watchlists/{listed.json()['id']}/entries"
    entry = await program.post(entries, json={"class_id": number})
    assert entry.status_code == 201, entry.text


async def _sees_lan(camera: Any, number: int) -> int:
    (result,) = await camera.ask(face_row(number, photo(RED, seed=number)))
    assert result["success"], result
    return int(result["record_id"])


async def _until_all_are_alerted(program: httpx.AsyncClient, sent: list[int]) -> None:
    async with asyncio.timeout(2 * PATIENCE_S):
        while {each["sighting_id"] for each in await alerts_at(program)} < set(sent):  # noqa: ASYNC110 (another process raises them)
            await asyncio.sleep(0.1)

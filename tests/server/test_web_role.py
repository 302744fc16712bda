"""Pages and REST of processes that take no rows, on a PostgreSQL that others take them into."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from server import cli
from server.app import Running, running
from server.role import Role
from tests.server.cameras import base64_of, jpeg, plate_row, v1_camera
from tests.server.conftest import settings_in
from tests.server.faces.face_camera import MIDDLE
from tests.server.faces.tiny_faces import RED, SIDE, networks, photo
from tests.server.storage.databases import Databases

PASSWORD = "correct horse battery"
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """A process that takes rows, two that answer people, on one database and one store."""

    url: str
    ingest: Running
    webs: tuple[Running, Running]


@pytest.fixture
async def centre(databases: Databases, tmp_path: Path) -> AsyncIterator[Centre]:
    url = await asyncio.to_thread(databases.migrated)
    shared: dict[str, Any] = {
        "database_url": url,
        "database_connections": 8,
        "image_store": (tmp_path / "pictures").as_uri(),
        "models_folder": tmp_path / "models",
    }
    await asyncio.to_thread(lambda: networks(tmp_path / "models").close())
    async with AsyncExitStack() as stack:

        async def start(name: str, role: Role) -> Running:
            is_closed = role is Role.WEB  # the camera has no token
            settings = settings_in(tmp_path / name, faces=True, local_tokens=is_closed, **shared)
            return await stack.enter_async_context(running(settings, role=role))

        ingest = await start("ingest", Role.INGEST)
        first, second = await start("web-1", Role.WEB), await start("web-2", Role.WEB)
        yield Centre(url=url, ingest=ingest, webs=(first, second))


def program_of(server: Running, **headers: str) -> httpx.AsyncClient:
    base = f"http://127.0.0.1:{server.web_port}"
    return httpx.AsyncClient(base_url=base, headers=headers, timeout=30)


async def session_at(server: Running, name: str) -> str:
    """Of somebody who signs in there, as a header."""
    async with program_of(server) as client:
        answer = await client.post("/login", json={"username": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return f"Bearer {answer.json()['access_token']}"


async def made_by_command(url: str, *words: str, told: str = "") -> str:
    runner = CliRunner(env={"SERVER_DATABASE_URL": url})
    said = await asyncio.to_thread(runner.invoke, cli.app, ["user", *words], told)
    assert said.exit_code == 0, said.output
    return said.output


async def test_what_one_process_takes_others_show_and_a_session_is_good_at_each(
    centre: Centre,
) -> None:
    first, second = centre.webs
    assert first.setup_url is not None
    assert (first.ingest_port, second.ingest_port) == (0, 0)
    told = f"{PASSWORD}\n"
    await made_by_command(centre.url, "add", "Vera", "--role", "admin", "--stdin", told=told)
    assert "Vera" in await made_by_command(centre.url, "list")
    async with v1_camera(centre.ingest.ingest_port) as camera:
        rows = plate_row(1, image=base64_of(jpeg(1))), plate_row(2)
        assert all(result["success"] for result in await camera.ask(*rows))
    session = await session_at(first, "vera")
    async with program_of(first, authorization=session) as program:
        found = (await program.get("/api/v1/sightings")).json()["cards"]
        assert [card["plate"] for card in found] == ["AB2", "AB1"]
        picture = await program.get(f"/api/v1/sightings/{found[1]['id']}/picture")
        assert picture.content == jpeg(1)
        corrected = await program.post(
            f"/api/v1/sightings/{found[1]['id']}/corrections", json={"plate": "XY9"}
        )
        assert corrected.status_code in (200, 201), corrected.text
        async with program_of(second, authorization=session) as elsewhere:
            me = (await elsewhere.get("/api/v1/me")).json()
            assert (me["name"], me["kind"]) == ("Vera", "user")
            again = (await elsewhere.get("/api/v1/sightings?plate=XY9")).json()["cards"]
            assert [card["read_plate"] for card in again] == ["AB1"]
            (camera_card,) = (await elsewhere.get("/api/v1/cameras")).json()
            assert camera_card["device_id"] == "gate-1"
            books = (await elsewhere.get("/api/v1/cameras/gate-1/books?until=2026-03-01")).json()
            assert (books["days"][0]["captured"], books["gaps"]) == (2, [])
            sizes = (await elsewhere.get("/api/v1/data/sizes")).json()
            assert sizes["tables"][0]["rows"] == 2
            assert sizes["picture_bytes"] is None
            actions = (await elsewhere.get("/api/v1/audit")).json()["entries"]
            assert {"correction", "sign-in"} <= {entry["action"] for entry in actions}
            await what_a_list_speaks_of_raises_one_alert(centre, elsewhere, program)
            await who_is_enrolled_at_one_is_found_at_the_other(centre, elsewhere, program)
            await what_no_database_takes_is_told(elsewhere)
            for pool in ("rows", "pages"):
                most = f'sightpost_database_connections{{pool="{pool}",state="most"}}'
                assert most in (await elsewhere.get("/metrics")).text
            await elsewhere.post("/logout")
        assert (await program.get("/api/v1/me")).status_code == 401


async def what_no_database_takes_is_told(program: httpx.AsyncClient) -> None:
    """PostgreSQL has no NUL in a text, and no integers beyond 64 bits."""
    for path in (
        "sightings?camera=%00",
        "audit?actor=%00",
        "alerts?camera=%00",
        "cameras/%00",
    ):
        answer = await program.get(f"/api/v1/{path}")
        assert answer.status_code == 400, (path, answer.text)
    told = {"username": "ve\0ra", "password": PASSWORD}
    assert (await program.post("/login", json=told)).status_code == 400


async def alerts_at(program: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await program.get("/api/v1/alerts")).json()["alerts"]
    return found


async def what_a_list_speaks_of_raises_one_alert(
    centre: Centre, made_at: httpx.AsyncClient, seen_at: httpx.AsyncClient
) -> None:
    """Of two processes with pages, one raises it; the list is made at one, the alert seen at the
    other. The camera is at a third, which tells them of its row."""
    made = await made_at.post("/api/v1/watchlists", json={"name": "stolen"})
    entries = f"/api/v1/watchlists/{made.json()['id']}/entries"
    assert (await made_at.post(entries, json={"plate": "AB3"})).status_code == 201
    async with v1_camera(centre.ingest.ingest_port) as camera:
        (result,) = await camera.ask(plate_row(3))
    async with asyncio.timeout(PATIENCE_S):
        while not (alerts := await alerts_at(seen_at)):  # noqa: ASYNC110 (another process raises it)
            await asyncio.sleep(0.02)
    assert [(each["plate"], each["sighting_id"]) for each in alerts] == [
        ("AB3", result["record_id"])
    ]


async def outcome_at(program: httpx.AsyncClient, seed: int) -> tuple[str, str]:
    """Of the question whose face that is, and who was named first."""
    photographed = {"file": ("photo.png", photo(RED, seed=seed), "image/png")}
    answer = await program.post("/api/v1/faces/identify", files=photographed)
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["faces"]
    named = [each["person"]["name"] for each in found["likenesses"]]
    return found["outcome"], "".join(named[:1])


async def who_is_enrolled_at_one_is_found_at_the_other(
    centre: Centre, enrolled_at: httpx.AsyncClient, asked_at: httpx.AsyncClient
) -> None:
    """At once, and after being forgotten no more. Cameras' faces are compared by one of the two."""
    async with asyncio.timeout(PATIENCE_S):
        for program in (enrolled_at, asked_at):
            while (await program.get("/api/v1/faces/status")).json()["problem"]:  # noqa: ASYNC110 (its index is made ready)
                await asyncio.sleep(0.05)
    assert await outcome_at(asked_at, 1) == ("unknown", "")
    made = await enrolled_at.post(
        "/api/v1/persons",
        data={"name": "Lan"},
        files={"file": ("lan.png", photo(RED), "image/png")},
    )
    assert made.status_code == 201, made.text
    number = made.json()["person"]["class_id"]
    assert await outcome_at(asked_at, 2) == ("known", "Lan")
    async with v1_camera(centre.ingest.ingest_port) as camera:
        (result,) = await camera.ask(face_row(4, photo(RED, seed=3)))
    async with asyncio.timeout(PATIENCE_S):
        while not (matches := await matches_at(asked_at)):  # noqa: ASYNC110 (another process's work)
            await asyncio.sleep(0.05)
    assert [(each["person"]["class_id"], each["sighting_id"]) for each in matches] == [
        (number, result["record_id"])
    ]
    gone = (await asked_at.delete(f"/api/v1/persons/{number}")).json()
    assert gone["is_gone"], gone
    assert await outcome_at(enrolled_at, 4) == ("unknown", "")
    assert await matches_at(enrolled_at) == []


async def matches_at(program: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await program.get("/api/v1/faces/matches")).json()["matches"]
    return found


def face_row(sequence: int, picture: bytes) -> dict[str, Any]:
    box = list(MIDDLE)
    data = {
        "confidence": 97.0,
        "box": box,
        "image": base64_of(picture),
        "evidence": {"frame_size": [SIDE, SIDE], "box": box},
    }
    return {**plate_row(sequence), "table": "face_detection", "data": data}


async def test_a_process_that_does_both_ends_in_order(databases: Databases, tmp_path: Path) -> None:
    """Nothing is left in hand, and the next one finds the account."""
    url = await asyncio.to_thread(databases.cleaned)
    settings = settings_in(tmp_path, database_url=url)
    async with running(settings) as server, httpx.AsyncClient() as browser:
        key = (server.setup_url or "").partition("key=")[2]
        form = {"username": "root", "password": PASSWORD, "key": key}
        made = await browser.post(f"http://127.0.0.1:{server.web_port}/setup", data=form)
        assert made.status_code == 200, made.text
    async with running(settings) as server:
        assert server.setup_url is None

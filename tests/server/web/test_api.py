"""The routes of /api/v1 on a real store: answers, problems, permissions, audit, streams."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter

from server.account_side import accounts_in_sqlite
from server.accounts.contract import Action, AuditEntry, Caller, CallerKind
from server.accounts.lifetimes import Lifetimes
from server.accounts.permissions import TABLE, Permission, Role
from server.accounts.store import AccountStore
from server.storage.face_sightings import StoredFaceSightings
from server.storage.pictures import PictureArchive
from server.storage.reading.cameras import CameraBooks, CameraCard
from server.storage.reading.data import DataSizes
from server.storage.reading.library import Library
from server.storage.reading.sightings import Correction, SightingDetail, SightingPage
from server.storage.service_minutes import StoredServiceHistory
from server.storage.usage_counts import StoredUsageCounts
from server.web.api import examples, export
from server.web.api.parts import ApiParts
from server.web.api.routes import add_api, routers
from server.web.errors import add_errors
from server.web.security.demands import Demand
from telemetry.error_book import ErrorBook
from tests.server.cameras import jpeg
from tests.server.storage.history import NOON, Centre, centre_in, health, plate

ADMIN = Caller(
    kind=CallerKind.USER,
    name="ada",
    address="192.0.2.7",
    permissions=TABLE[Role.ADMIN],
    role=Role.ADMIN,
)
SCRIPT = "<script>alert(1)</script>"


@dataclass
class House:
    """The routes with a caller whom the gate would have found, and the store behind them."""

    centre: Centre
    app: FastAPI
    parts: ApiParts
    accounts: AccountStore
    caller: Caller = ADMIN

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app({**scope, "state": {"caller": self.caller}}, receive, send)

    async def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self)
        async with httpx.AsyncClient(transport=transport, base_url="http://centre") as browser:
            return await browser.request(method, f"/api/v1{path}", **given)

    async def get(self, path: str, **given: Any) -> Any:
        answer = await self.ask("GET", path, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def audited(self) -> list[AuditEntry]:
        return list((await self.accounts.audit_page()).entries)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with centre_in(tmp_path) as centre:
        accounts = accounts_in_sqlite(centre.database, Lifetimes(), lambda: NOON)
        app = FastAPI()
        parts = ApiParts(
            library=Library(
                sightings=centre.sightings,
                face_sightings=StoredFaceSightings(
                    centre.pool, PictureArchive(centre.pictures, read_only=True)
                ),
                pictures=centre.sightings,
                corrections=centre.corrections,
                cameras=centre.cameras,
                data=centre.data,
                pruning=centre.pruning,
                services=StoredServiceHistory(centre.pool),
                usage=StoredUsageCounts(centre.pool),
            ),
            errors=ErrorBook(),
            auditor=accounts,
            connected=lambda: frozenset({"gate-1"}),
            now=lambda: NOON + timedelta(hours=2),
            zone=UTC,
        )
        add_errors(app)
        add_api(app, parts)
        yield House(centre=centre, app=app, parts=parts, accounts=accounts)
        await accounts.close()


async def test_search_pages_and_counts(house: House) -> None:
    await house.centre.take(*(plate(n, f"AB{n}", region="th") for n in range(1, 6)), plate(6, "X"))
    first = await house.get("/sightings", params={"plate": "A8*", "limit": 3, "region": "th,eu"})
    second = await house.get(
        "/sightings",
        params={"plate": "A8*", "limit": 3, "region": "th,eu", "cursor": first["next_cursor"]},
    )
    assert [card["plate"] for card in first["cards"] + second["cards"]] == [
        *("AB5", "AB4", "AB3", "AB2", "AB1"),
    ]
    assert second["next_cursor"] is None
    assert await house.get("/sightings/count", params={"plate": "AB*"}) == {
        "count": 5,
        "is_exact": True,
    }
    exact = await house.get("/sightings", params={"plate": "A8*", "match": "exact"})
    assert exact["cards"] == []
    minutes = await house.get("/sightings/per-minute", params={"minutes": 121})
    assert sum(each["count"] for each in minutes) == 6


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2026-03-01", "2026-03-01", 3),
        ("2026-03-01T12:00:02", None, 2),
        ("2026-03-01T19:00:02+07:00", None, 2),
        (None, "2026-03-01T12:00:02Z", 1),
        ("2026-03-02", None, 0),
    ],
)
async def test_times_are_read_as_people_write_them(
    house: House, since: str | None, until: str | None, expected: int
) -> None:
    await house.centre.take(plate(1, "A"), plate(2, "B"), plate(3, "C"))
    given = {"from": since, "to": until}
    params = {key: value for key, value in given.items() if value is not None}
    assert len((await house.get("/sightings", params=params))["cards"]) == expected


async def test_markup_in_a_plate_is_text(house: House) -> None:
    await house.centre.take(plate(1, SCRIPT))
    answer = await house.ask("GET", "/sightings/1")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["card"]["plate"] == SCRIPT


async def test_a_picture_may_be_kept_for_ever(house: House) -> None:
    content = jpeg(shade=5)
    await house.centre.take(plate(1, "A", image=content), plate(2, "B"))
    answer = await house.ask("GET", "/sightings/1/picture")
    assert (answer.content, answer.headers["content-type"]) == (content, "image/jpeg")
    assert "immutable" in answer.headers["cache-control"]
    assert "private" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = await house.ask(
        "GET", "/sightings/1/picture", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert (await house.ask("GET", "/sightings/2/picture")).status_code == 404


PROBLEMS = [
    ("/sightings/99", 404, "there is no sighting 99"),
    ("/sightings/x", 400, "sighting_id: expected a valid integer, got 'x'"),
    ("/sightings?limit=999", 400, "limit: expected at most 200, got"),
    ("/sightings?cursor=zz", 400, "expected next_cursor of an earlier page"),
    ("/sightings?from=yesterday", 400, "from='yesterday': expected a time such as"),
    ("/sightings?from=2026-03-02&to=2026-03-01", 400, "is not before"),
    ("/sightings?plate=%00", 400, "no control characters"),
    ("/sightings/..%2f..%2fetc%2fpasswd", 404, ""),
    ("/cameras/nobody", 404, "no camera 'nobody'"),
    ("/cameras/nobody/books?days=99", 400, "days: expected at most"),
    ("/data/sizes?days=0", 400, "days: expected at least"),
]


async def test_problems_say_what_where_and_what_to_do(house: House) -> None:
    for path, status, expected in PROBLEMS:
        answer = await house.ask("GET", path)
        assert answer.status_code == status, path
        assert expected in answer.json()["detail"], path
        assert answer.headers["content-type"] == "application/problem+json"
        if expected:
            assert answer.json()["instance"] == f"/api/v1{path.partition('?')[0]}"


async def test_a_correction_is_made_taken_back_and_audited(house: House) -> None:
    await house.centre.take(plate(1, "A8C"))
    answer = await house.ask("POST", "/sightings/1/corrections", json={"plate": "ABC"})
    assert (answer.status_code, answer.json()["by"]) == (201, "ada")
    assert (await house.get("/sightings/1"))["card"]["plate"] == "ABC"
    answer = await house.ask("DELETE", "/sightings/1/corrections/last")
    assert answer.json()["plate"] is None
    assert [entry.action for entry in await house.audited()] == [Action.CORRECTION] * 2
    answer = await house.ask("DELETE", "/sightings/1/corrections/last")
    assert (answer.status_code, "no correction is left" in answer.text) == (400, True)


async def test_an_export_in_csv_is_whole_audited_and_harmless(house: House) -> None:
    await house.centre.take(plate(1, "=1+1"), plate(2, "1กก 1234"), plate(3, 'x",\r\ny'))
    answer = await house.ask("GET", "/sightings/export", params={"format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="sightings-20260301T140000Z.csv"' in answer.headers["content-disposition"]
    assert answer.headers["x-sightings-count"] == "3"
    assert answer.headers["x-sightings-count-is-exact"] == "true"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [row["plate"] for row in rows] == ['x",\r\ny', "1กก 1234", "'=1+1"]
    assert rows[0]["captured_at"] == "2026-03-01T12:00:03+00:00"
    (entry,) = await house.audited()
    assert (entry.action, entry.actor) == (Action.EXPORT, "ada")
    assert "csv, 3" in entry.detail


async def test_an_export_in_json_has_corrections_and_evidence_where_asked(house: House) -> None:
    said = [{"text": "A", "confidence": 0.5, "alternatives": [["4", 0.4]]}]
    await house.centre.take(plate(1, "A", characters=said), plate(2, "B"))
    await house.ask("POST", "/sightings/1/corrections", json={"plate": "4", "note": "seen"})
    answer = await house.ask("GET", "/sightings/export?format=json&plate=4")
    (line,) = [json.loads(line) for line in answer.text.splitlines()]
    assert (line["plate"], line["corrections"][0]["note"]) == ("4", "seen")
    assert "evidence" not in line
    answer = await house.ask("GET", "/sightings/export?format=json&evidence=yes&plate=4")
    assert json.loads(answer.text)["evidence"] == {"characters": said}


async def test_each_column_of_an_export_has_its_own_value(house: House) -> None:
    await house.centre.take(
        plate(7, "A", region="th", direction="left", confidence=91.0, dwell_s=1.5, lux=3.0)
    )
    detail = await house.centre.sightings.detail(1)
    line = json.loads(export.json_of([replace(detail, evidence=None)]))
    for column in export.COLUMNS:
        value = getattr(detail if hasattr(detail, column) else detail.card, column)
        assert line[column] == (value.isoformat() if isinstance(value, datetime) else value)
    assert set(line) == {*export.COLUMNS, "corrections"}


async def test_an_export_ends_when_whoever_asked_goes_away(house: House) -> None:
    await house.centre.take(*(plate(number, "A") for number in range(1, 1502)))
    has_begun = asyncio.Event()
    sent = bytearray()

    async def receive() -> dict[str, Any]:
        await has_begun.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.extend(message.get("body", b""))
        if sent.count(b"\n") > 100:
            has_begun.set()
            await asyncio.Event().wait()  # the line is stuck; only the end of it frees us

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "method": "GET",
        "path": "/api/v1/sightings/export",
        "query_string": b"",
        "headers": [],
    }
    async with asyncio.timeout(20):
        await house(scope, receive, send)
    assert 100 < sent.count(b"\n") < 1000


async def test_cameras_by_any_name(house: House) -> None:
    name = "classic:gate/north"
    await house.centre.take(
        health(1, "agent", at=NOON, facts={"rows_waiting": "3"}, device_id=name),
        plate(2, "A", at=NOON, device_id=name),
    )
    (card,) = await house.get("/cameras")
    assert (card["device_id"], card["state"], card["waiting"]) == (name, "silent", 3)
    detail = await house.get(f"/cameras/{name}")
    assert detail["card"]["device_id"] == name
    books = await house.get(f"/cameras/{name}/books", params={"until": "2026-03-01"})
    assert books["days"][0]["acknowledged"] == 2
    history = await house.get(f"/cameras/{name}/health")
    assert history["series"][0]["key"] == "rows_waiting"


async def test_data_and_pruning(house: House) -> None:
    await house.centre.take(plate(1, "A", image=jpeg()), at=NOON - timedelta(days=9))
    assert (await house.get("/data/sizes"))["tables"][0]["rows"] == 1
    assert await house.get("/data/stats") == []
    preview = await house.get("/data/prune/preview", params={"older_than_days": 5})
    assert preview["rows"]["lpr_detections"] == 1
    assert await house.get("/data/prune") is None
    answer = await house.ask("POST", "/data/prune", json={"older_than_days": 5})
    assert answer.status_code == 202
    await house.centre.pruning.finished()
    assert (await house.get("/data/prune"))["is_running"] is False
    assert [entry.action for entry in await house.audited()] == [Action.DELETION]
    assert (await house.get("/sightings"))["cards"] == []


DEMANDS = {
    "GET /sightings": Permission.SEE_SIGHTINGS,
    "GET /sightings/count": Permission.SEE_SIGHTINGS,
    "GET /sightings/per-minute": Permission.SEE_SIGHTINGS,
    "GET /sightings/export": Permission.EXPORT,
    "GET /sightings/{sighting_id}": Permission.SEE_SIGHTINGS,
    "GET /sightings/{sighting_id}/picture": Permission.SEE_SIGHTINGS,
    "POST /sightings/{sighting_id}/corrections": Permission.CORRECT,
    "DELETE /sightings/{sighting_id}/corrections/last": Permission.CORRECT,
    "GET /cameras": Permission.SEE_CAMERAS,
    "GET /cameras/{device_id:path}": Permission.SEE_CAMERAS,
    "GET /cameras/{device_id:path}/health": Permission.SEE_CAMERAS,
    "GET /cameras/{device_id:path}/books": Permission.SEE_CAMERAS,
    "GET /data/sizes": Permission.SEE_DATA,
    "GET /data/stats": Permission.SEE_DATA,
    "GET /analytics/performance": Permission.SEE_SERVER,
    "GET /analytics/usage": Permission.SEE_SERVER,
    "GET /analytics/report": Permission.SEE_SERVER,
    "GET /analytics/report/export": Permission.SEE_SERVER,
    "GET /errors": Permission.SEE_SERVER,
    "GET /data/prune/preview": Permission.SEE_DATA,
    "GET /data/prune": Permission.SEE_DATA,
    "POST /data/prune": Permission.DELETE_DATA,
}


def test_every_route_asks_for_its_permission(house: House) -> None:
    found = {}
    for route in (route for router in routers(house.parts) for route in router.routes):
        demands = [
            dependency.dependency.permission
            for dependency in route.dependencies  # type: ignore[attr-defined]
            if isinstance(dependency.dependency, Demand)
        ]
        (method,) = route.methods  # type: ignore[attr-defined]
        (found[f"{method} {route.path.removeprefix('/api/v1')}"],) = demands  # type: ignore[attr-defined]
    assert found == DEMANDS


async def test_without_its_permission_a_route_answers_nothing(house: House) -> None:
    for named, permission in DEMANDS.items():
        method, _, path = named.partition(" ")
        house.caller = replace(ADMIN, permissions=TABLE[Role.ADMIN] - {permission})
        path = path.replace("{sighting_id}", "1").replace("{device_id:path}", "gate-1")
        answer = await house.ask(method, path, json={"plate": "X", "older_than_days": 1})
        assert answer.status_code == 403, named
        assert permission.value in answer.json()["detail"], named
    assert await house.audited() == []


@pytest.mark.parametrize(
    ("example", "kind"),
    [
        (examples.SIGHTING_PAGE, SightingPage),
        (examples.SIGHTING_DETAIL, SightingDetail),
        (examples.CORRECTION, Correction),
        (examples.CAMERA_CARD, CameraCard),
        (examples.CAMERA_BOOKS, CameraBooks),
        (examples.DATA_SIZES, DataSizes),
    ],
)
def test_examples_are_what_is_answered(example: dict[str, Any], kind: type) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    read = adapter.validate_python(example)
    assert set(adapter.dump_python(read, mode="json")) == set(example)


def test_every_route_is_documented(house: House) -> None:
    described = house.app.openapi()
    for path, methods in described["paths"].items():
        for method, said in methods.items():
            assert said["description"], f"{method} {path}"
            assert all(set(value) for value in said["responses"].values())
    page = described["paths"]["/api/v1/sightings"]["get"]
    example = page["responses"]["200"]["content"]["application/json"]["example"]
    assert example["cards"][0]["plate"] == examples.SIGHTING_CARD["plate"]

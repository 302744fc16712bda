"""Watchlists and alerts over HTTP, as programs use them."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any

import httpx

from server.accounts.permissions import Permission, Role
from server.storage.connection import open_second_writer
from server.storage.sqlite import SqliteStore
from server.watchlist.contract import Source
from server.watchlist.keeping import Sighted
from server.watchlist.rules import Match
from tests.server.storage.history import plate
from tests.server.web.site import Site

JSON = "application/json"


async def program(site: Site, role: Role = Role.OPERATOR) -> httpx.AsyncClient:
    scopes = [Permission.SEE_ALERTS, Permission.JUDGE_ALERTS, Permission.SEE_WATCHLISTS]
    token = await site.token(role, *scopes, Permission.EDIT_WATCHLISTS)
    return site.browser(authorization=f"Bearer {token}")


async def made(asking: httpx.AsyncClient, **given: Any) -> int:
    answer = await asking.post("/api/v1/watchlists", json={"name": "stolen", **given})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def test_a_list_and_its_entries_are_made_read_changed_and_deleted(site: Site) -> None:
    async with await program(site) as asking:
        list_id = await made(asking, schedule="mon-fri 8:00-18:00", device_ids=["gate-1"])
        place = f"/api/v1/watchlists/{list_id}"
        entry = await asking.post(f"{place}/entries", json={"plate": "1กก 1234", "reason": "x"})
        assert entry.status_code == 201
        assert entry.json()["details"]["plate"] == "1กก 1234"
        listed = (await asking.get("/api/v1/watchlists")).json()
        assert [(each["id"], each["entries"]) for each in listed] == [(list_id, 1)]
        assert listed[0]["details"]["schedule"] == "mon,tue,wed,thu,fri 08:00-18:00"
        changed = await asking.put(place, json={"name": "found", "cooldown_s": 5})
        assert changed.json()["details"]["cooldown_s"] == 5
        found = (await asking.get(f"{place}/entries", params={"search": "1กก"})).json()
        (number,) = [each["id"] for each in found["entries"]]
        assert (await asking.delete(f"{place}/entries/{number}")).status_code == 204
        assert (await asking.delete(place)).status_code == 204
        assert (await asking.get(place)).status_code == 404
        wrong = await asking.post("/api/v1/watchlists", json={"name": "", "schedule": "soon"})
        assert (wrong.status_code, "name" in wrong.json()["detail"]) == (400, True)


async def test_days_are_taken_and_what_has_another_name_is_refused(site: Site) -> None:
    async with await program(site) as asking:
        list_id = await made(asking)
        entries = f"/api/v1/watchlists/{list_id}/entries"
        days = {"plate": "AB 1", "valid_from": "2026-08-01", "valid_until": "2026-12-31"}
        entry = (await asking.post(entries, json=days)).json()["details"]
        assert entry["valid_from"].startswith("2026-08-01T00:00:00")
        assert entry["valid_until"].startswith("2027-01-01T00:00:00")
        again = await asking.post(entries, json={"plate": "ab1", "reason": "reported"})
        assert (again.status_code, again.json()["before"]) == (200, entry)
        assert again.json()["details"] == {**entry, "plate": "ab1", "reason": "reported"}
        no_end = await asking.post(entries, json={"plate": "ab1", "valid_until": None})
        assert no_end.json()["details"]["valid_until"] is None
        for path, wanted, said in (
            ("/api/v1/watchlists", {"name": "y", "cameras": "vm"}, "cameras: there is no such"),
            (entries, {"plate": "AB 2", "valid_untill": "2026-12-31"}, "valid_untill: there is no"),
            (entries, {"plate": "AB 2", "valid_until": "soon"}, "valid_until='soon': expected"),
        ):
            answer = await asking.post(path, json=wanted)
            assert (answer.status_code, said in answer.json()["detail"]) == (400, True), answer.text
        answer = await asking.post(entries, content=b"no", headers={"content-type": JSON})
        assert (answer.status_code, "the body is no JSON" in answer.json()["detail"]) == (400, True)


async def test_a_file_comes_as_the_body_and_tells_how_far_it_is(site: Site) -> None:
    async with await program(site) as asking:
        list_id = await made(asking)
        assert (await asking.get("/api/v1/watchlist-imports/last")).json() is None
        content = "plate,reason\n" + "".join(f"AB{number},\n" for number in range(2_000))
        answer = await asking.post(
            f"/api/v1/watchlist-imports/{list_id}", content=f"{content}*,\n".encode()
        )
        assert (answer.status_code, answer.json()["is_running"]) == (202, True)
        async with asyncio.timeout(60):  # who asks without end is told to wait
            await site.watching.watchlists.imported()
        state = (await asking.get("/api/v1/watchlist-imports/last")).json()
        assert state["is_running"] is False
        assert state["put"] == {"added": 2_000, "changed": 0, "same": 0}
        assert [each["line"] for each in state["faults"]] == [2_002]
        large = b"x" * (32 * 1024 * 1024 + 1)
        too_large = await asking.post(f"/api/v1/watchlist-imports/{list_id}", content=large)
        assert too_large.status_code == 413


async def test_alerts_are_read_and_judged(site: Site) -> None:
    async with await program(site) as asking:
        list_id = await made(asking, cooldown_s=0)
        await asking.post(f"/api/v1/watchlists/{list_id}/entries", json={"plate": "AB1"})
        settings = site.house.path
        store = SqliteStore(settings, settings.parent / "pictures")
        await store.commit_group([plate(1, "AB 1"), plate(2, "AB 1")], site.house.clock.now())
        await store.close()
        while not await site.watching.engine.look():
            pass
        page = (await asking.get("/api/v1/alerts", params={"open": True, "plate": "ab1"})).json()
        assert [each["sighting_id"] for each in page["alerts"]] == [2, 1]
        number = page["alerts"][0]["id"]
        place = f"/api/v1/alerts/{number}"
        noted = (await asking.patch(place, json={"note": "looked at"})).json()
        assert (noted["note"], noted["acknowledged_at"]) == ("looked at", None)
        assert (await asking.patch(place, json={"verdict": "real"})).json()["acknowledged_at"]
        opened = (await asking.patch(place, json={"is_open": True})).json()
        assert (opened["verdict"], opened["acknowledged_by"]) == ("none", None)
        assert opened["note"] == "looked at"
        torn = await asking.patch(place, json={"is_open": True, "verdict": "real"})
        assert (torn.status_code, "is open has none" in torn.json()["detail"]) == (400, True)
        said = {"verdict": "false alarm", "note": "another car"}
        judged = (await asking.patch(f"/api/v1/alerts/{number}", json=said)).json()
        assert (judged["verdict"], judged["note"]) == ("false alarm", "another car")
        assert judged["acknowledged_by"].startswith("operator.")
        left = (await asking.get("/api/v1/alerts", params={"open": True})).json()
        assert [each["sighting_id"] for each in left["alerts"]] == [1]
        assert (await asking.get("/api/v1/alerts/99")).status_code == 404
        assert (await asking.get("/api/v1/alerts?from=soon")).status_code == 400
    actions = [action for _, action, _ in await site.house.actions()]
    assert actions.count("alert judged") == 4


async def test_alerts_of_persons_are_for_who_may_see_people(site: Site) -> None:
    async with await program(site) as asking:
        list_id = await made(asking, subject="persons")
        now = datetime(2026, 3, 1, tzinfo=UTC)
        match = Match(
            list_id=list_id, entry_id=0, key="face", likelihood=1.0, reason="", cooldown_s=0
        )
        face = Sighted(
            row_id=1,
            source=Source.FACES,
            sighting_id=1,
            device_id="gate-1",
            plate="",
            captured_at=now,
            received_at=now,
            match=match,
        )
        store = site.watching.engine._parts.alerts  # noqa: SLF001 - where alerts are raised
        (alert,) = await store.raise_alerts([face], name="a test", position=0, now=now)
        assert (await asking.get("/api/v1/alerts")).json()["alerts"] == []
        hidden = await asking.get(f"/api/v1/alerts/{alert.id}")
        assert hidden.status_code == 404
        assert "people:read" in hidden.json()["detail"]
        assert (await asking.patch(f"/api/v1/alerts/{alert.id}", json={})).status_code == 404
    token = await site.token(Role.OPERATOR, Permission.SEE_ALERTS, Permission.SEE_PEOPLE)
    async with site.browser(authorization=f"Bearer {token}") as asking:
        assert len((await asking.get("/api/v1/alerts")).json()["alerts"]) == 1


async def test_a_channel_shows_its_secret_once_and_says_why_it_fails(site: Site) -> None:
    token = await site.token(Role.ADMIN, Permission.MANAGE_CHANNELS)
    async with site.browser(authorization=f"Bearer {token}") as asking:
        inside = {"name": "hook", "kind": "webhook", "target": "http://127.0.0.1:9/alerts"}
        refused = await asking.post("/api/v1/channels", json=inside)
        assert refused.status_code == 400
        assert "SERVER_WEBHOOK_NETWORKS=127.0.0.1" in refused.json()["detail"]
        wanted = {**inside, "target": "https://receiver.example/alerts"}
        made_ = (await asking.post("/api/v1/channels", json=wanted)).json()
        number, secret = made_["channel"]["id"], made_["secret"]
        assert len(secret) > 40
        await _lead_inside(site, inside["target"])
        tried = await asking.post(f"/api/v1/channels/{number}/test")
        assert tried.status_code == 502
        assert "SERVER_WEBHOOK_NETWORKS" in tried.json()["detail"]
        listed = await asking.get("/api/v1/channels")
        assert listed.json()[0]["failures"] == 1
        assert secret not in listed.text
        other = (await asking.post(f"/api/v1/channels/{number}/secret")).json()
        assert other["secret"] not in ("", secret)
        off = await asking.put(f"/api/v1/channels/{number}", json={**wanted, "is_enabled": False})
        assert off.json()["details"]["is_enabled"] is False
        assert (await asking.delete(f"/api/v1/channels/{number}")).status_code == 204
        assert (await asking.get("/api/v1/channels")).json() == []


async def _lead_inside(site: Site, target: str) -> None:
    """As a channel does that was made while its network was allowed."""
    with contextlib.closing(open_second_writer(site.house.path)) as connection:
        connection.execute("UPDATE alert_channels SET target = ?", (target,))

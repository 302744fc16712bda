"""Searching by vector has two ways to the same answers: the quick one for what is asked rightly,
and the route. Both stand behind the gate and let nobody through whom the other would not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from server.accounts.contract import Action
from server.accounts.permissions import Permission, Role
from server.faces.contract import PersonDetails
from tests.server.accounts.conftest import House
from tests.server.faces.galleries import service_on
from tests.server.faces.test_service import ADA, upload
from tests.server.faces.tiny_faces import BLUE, GREEN, RED, networks, photo
from tests.server.web.site import Site

PATH = "/api/v1/faces/search"
QUICK = {"content-type": "application/json"}
BY_ROUTE = {"content-type": "application/json; charset=utf-8"}
"""What the quick way does not take up."""


@pytest.fixture
async def site_with_faces(site: Site, house: House, tmp_path: Path) -> AsyncIterator[Site]:
    made = networks(tmp_path / "models")
    without = site.faces
    faces = service_on(
        house.path, made, house.store, house.clock.now, sightings=site.library.face_sightings
    )
    site.faces = faces
    for colour, name in ((RED, "Lan"), (GREEN, "Đỗ “Minh”")):
        details = PersonDetails(name=name, age=34, place="Hà Nội", consent="signed")
        await faces.enrol(ADA, details, [upload(photo(colour))], source="test")
    yield site
    site.faces = without
    await faces.close()
    made.close()


async def label(site: Site) -> str:
    assert site.faces is not None
    status = await site.faces.status()
    return f"{status.model}@{status.model_version}"


async def token(site: Site, *scopes: Permission) -> dict[str, str]:
    made = await site.token(Role.ADMIN, *scopes)
    return {"authorization": f"Bearer {made}"}


async def both(browser: httpx.AsyncClient, content: str) -> list[httpx.Response]:
    """The same question both ways."""
    return [
        await browser.post(PATH, content=content, headers=headers) for headers in (QUICK, BY_ROUTE)
    ]


async def test_both_ways_give_the_same_answers_and_audit_each_look_before(
    site_with_faces: Site, house: House
) -> None:
    model = await label(site_with_faces)
    headers = await token(site_with_faces, Permission.SEE_PEOPLE)
    async with site_with_faces.browser(**headers) as browser:
        asked_for = (
            {"vector": list(RED), "model": model},
            {"vector": list(BLUE), "model": model, "most": 1},
            {"vector": [each * 9 for each in GREEN], "model": model},
        )
        for number, asked in enumerate(asked_for, start=1):
            quick, by_route = await both(browser, json.dumps(asked))
            assert quick.status_code == by_route.status_code == 200
            assert quick.json() == by_route.json()
            assert quick.headers == by_route.headers
            page = await house.store.audit_page(action=Action.PERSON_SEEN)
            looks = [each.detail for each in page.entries if each.subject == "a vector"]
            assert len(looks) == 2 * number
            assert looks[0] == looks[1]
        assert looks[0].startswith("known, shown [1, 2]")


ASKED_WRONGLY = [
    "",
    "{",
    "[]",
    '{"vector": [1, 0, 0]}',
    '{"vector": [], "model": "MODEL"}',
    '{"vector": [1, 0], "model": "MODEL"}',
    '{"vector": [0, 0, 0], "model": "MODEL"}',
    '{"vector": [1e400, 0, 0], "model": "MODEL"}',
    '{"vector": [NaN, 0, 0], "model": "MODEL"}',
    '{"vector": ["x", 0, 0], "model": "MODEL"}',
    '{"vector": [1, 0, 0], "model": "arcface@1"}',
    '{"vector": [1, 0, 0], "model": "MODEL", "most": 0}',
    '{"vector": [1, 0, 0], "model": "MODEL", "most": 33}',
]


async def test_what_is_asked_wrongly_is_told_alike(site_with_faces: Site) -> None:
    model = await label(site_with_faces)
    headers = await token(site_with_faces, Permission.SEE_PEOPLE)
    async with site_with_faces.browser(**headers) as browser:
        for content in ASKED_WRONGLY:
            quick, by_route = await both(browser, content.replace("MODEL", model))
            assert quick.status_code == by_route.status_code == 400, content
            assert quick.json() == by_route.json()
            assert quick.headers == by_route.headers
        parameters = await browser.post(f"{PATH}?mots=5", content=content, headers=QUICK)
        assert (parameters.status_code, "'mots'" in parameters.text) == (400, True)
        for kind in (QUICK, BY_ROUTE):
            announced = {**kind, "content-length": str(10**9)}
            answer = await browser.post(PATH, content=b"{", headers=announced)
            assert answer.status_code == 413


async def test_who_may_not_see_people_is_told_nothing(site_with_faces: Site, house: House) -> None:
    content = json.dumps({"vector": list(RED), "model": await label(site_with_faces)})
    before = await house.actions()
    for headers, status in (
        ({}, 401),
        ({"authorization": "Bearer nonsense"}, 401),
        (await token(site_with_faces, Permission.SEE_SERVER), 403),
    ):
        async with site_with_faces.browser(**headers) as browser:
            quick, by_route = await both(browser, content)
            assert (quick.status_code, by_route.status_code) == (status, status)
            assert quick.content == by_route.content
            assert quick.headers == by_route.headers
    seen = [each for each in (await house.actions())[len(before) :] if "seen" in str(each)]
    assert seen == []


async def test_another_page_cannot_ask_in_somebodys_session(site_with_faces: Site) -> None:
    session = await site_with_faces.session(Role.ADMIN)
    content = json.dumps({"vector": list(RED), "model": await label(site_with_faces)})
    headers = {"cookie": f"sightpost_centre={session}", "origin": "http://elsewhere.example"}
    async with site_with_faces.browser(**headers) as browser:
        assert [each.status_code for each in await both(browser, content)] == [403, 403]

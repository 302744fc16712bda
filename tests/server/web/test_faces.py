"""The face gallery over HTTP: the older service's routes and fields, today's, and who may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.accounts.permissions import Role
from tests.server.accounts.conftest import House
from tests.server.faces.face_camera import FaceCamera
from tests.server.faces.galleries import service_on
from tests.server.faces.tiny_faces import BLUE, GREEN, RED, blind, networks, photo
from tests.server.web.site import URL, Site

Browser = httpx.AsyncClient


@pytest.fixture
async def gallery(site: Site, house: House, tmp_path: Path) -> AsyncIterator[Site]:
    """The site with tiny models."""
    made = networks(tmp_path / "models")
    without = site.faces
    faces = service_on(
        house.path,
        made,
        house.store,
        house.clock.now,
        sightings=site.library.face_sightings,
        waiting=0,
    )
    site.faces = faces
    yield site
    site.faces = without
    await faces.close()
    made.close()


@pytest.fixture
async def browser(gallery: Site) -> AsyncIterator[Browser]:
    async with await signed_in(gallery, Role.ADMIN) as made:
        yield made


async def signed_in(site: Site, role: Role) -> Browser:
    session = await site.session(role)
    return site.browser(cookie=f"sightpost_centre={session}", origin=URL)


def file(content: bytes, field: str = "file", name: str = "photo.png") -> tuple[str, Any]:
    return field, (name, content, "image/png")


async def enrolled(browser: Browser, colour: tuple[float, float, float], **fields: str) -> Any:
    answer = await browser.post(
        "/add_embedding",
        data={"ten": "Nguyễn Thị Lan", "tuoi": "34", "gioitinh": "nữ", "noio": "Hà Nội", **fields},
        files=[file(photo(colour)), file(photo(colour, seed=1))],
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_is_asked_wrongly_is_told(browser: Browser) -> None:
    """A field that is missing, what is no picture, one that is too large, another method."""
    answer = await browser.post("/api/v1/persons", files=[file(photo())])
    assert (answer.status_code, answer.json()["detail"]) == (400, "name: it is missing")
    answer = await browser.post("/query")
    assert answer.json() == {"status": "error", "message": "file: it is missing"}
    assert (await browser.post("/query", files=[file(b"nothing")])).status_code == 400
    announced = {"content-length": str(1 << 30), "content-type": "multipart/form-data; boundary=x"}
    huge = await browser.post("/query", content=b"", headers=announced)
    assert huge.status_code == 413
    for method, path, allowed in (
        ("GET", "/query", "POST"),
        ("POST", "/list_nguoi", "GET"),
        ("GET", "/delete_class/1", "DELETE"),
    ):
        answer = await browser.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        told = f"{method} is not taken at {path}: expected {allowed}"
        assert answer.json() == {"status": "error", "message": told}
    several = await browser.patch("/api/v1/persons/1")
    assert (several.status_code, several.headers["allow"]) == (405, "DELETE, GET, PUT")
    assert several.headers["content-type"] == "application/problem+json"


async def test_a_picture_without_a_face_is_named_as_its_sender_names_it(
    site: Site, house: House, tmp_path: Path
) -> None:
    made, without = blind(tmp_path / "models"), site.faces
    site.faces = service_on(
        *(house.path, made, house.store, house.clock.now),
        sightings=site.library.face_sightings,
    )
    async with await signed_in(site, Role.OPERATOR) as browser:
        for path in ("/query", "/query_top5"):
            answer = await browser.post(path, files=[file(photo(), name="gate.png")])
            assert answer.json()["message"] == "gate.png: there is no face in it"
    await site.faces.close()
    site.faces = without
    made.close()


async def test_older_clients_enrol_and_ask_with_their_fields(browser: Browser) -> None:
    done = await enrolled(browser, RED)
    assert (done["status"], done["class_id"], len(done["image_ids"])) == ("success", 1, 2)
    answer = (await browser.post("/query", files=[file(photo(RED, seed=5))])).json()
    assert {key: answer[key] for key in ("class_id", "ten", "tuoi", "gioitinh", "noio")} == {
        "class_id": 1,
        "ten": "Nguyễn Thị Lan",
        "tuoi": 34,
        "gioitinh": "nữ",
        "noio": "Hà Nội",
    }
    assert answer["score"] > 0.99
    assert answer["box"] == [40, 40, 80, 80]


async def test_a_stranger_is_unknown_and_the_five_likeliest_are_told(browser: Browser) -> None:
    await enrolled(browser, RED)
    await enrolled(browser, GREEN, ten="Minh")
    answer = (await browser.post("/query", files=[file(photo(BLUE))])).json()
    assert (answer["class_id"], answer["ten"]) == (None, "unknown")
    top = (await browser.post("/query_top5", files=[file(photo(GREEN, seed=3))])).json()
    assert top["ten"] == "Minh"
    assert [each["class_id"] for each in top["results"]] == [2, 1]


async def test_older_clients_list_edit_and_delete(browser: Browser) -> None:
    done = await enrolled(browser, RED)
    edited = await browser.put("/edit_embedding", data={"class_id": "1", "tuoi": "35"})
    assert (edited.json()["ten"], edited.json()["tuoi"]) == ("Nguyễn Thị Lan", 35)
    listed = (await browser.get("/list_nguoi", params={"ten": "lan", "tuoi": 35})).json()
    assert (listed["total"], listed["data"][0]["image_count"]) == (1, 2)
    images = (await browser.get("/get_image_ids_by_class/1")).json()
    assert images["image_ids"] == done["image_ids"]
    found = (await browser.get("/search_embeddings", params={"noio": "hà"})).json()
    assert [each["image_id"] for each in found["data"]] == done["image_ids"]
    assert (await browser.delete(f"/delete_image/{done['image_ids'][0]}")).status_code == 200
    assert (await browser.get("/index_status")).json()["total_vectors"] == 1
    gone = (await browser.delete("/delete_class/1")).json()
    assert gone["is_gone"]
    assert set(gone["left"].values()) == {0}
    assert (await browser.delete("/delete_class/1")).status_code == 404
    assert (await browser.get("/vector_info")).json()["dimension"] == 3


async def test_a_reset_has_to_be_confirmed(browser: Browser) -> None:
    await enrolled(browser, RED)
    asked = await browser.post("/reset_index")
    assert asked.status_code == 400
    assert "confirm=forget-everybody" in asked.text
    rebuilt = (await browser.post("/reset_index", params={"confirm": "rebuild"})).json()
    assert (rebuilt["total_vectors"], rebuilt["total_classes"]) == (2, 1)
    emptied = await browser.post("/reset_index", params={"confirm": "forget-everybody"})
    assert emptied.json()["total_classes"] == 0


async def test_persons_are_managed_over_the_new_routes(browser: Browser) -> None:
    made = await browser.post(
        "/api/v1/persons",
        data={"name": "Lan", "purpose": "staff", "consent": "signed"},
        files=[file(photo(RED))],
    )
    assert made.status_code == 201, made.text
    number = made.json()["person"]["class_id"]
    more = await browser.post(
        f"/api/v1/persons/{number}/pictures",
        files=[file(photo(RED, seed=1)), file(b"nothing", name="bad.png")],
    )
    assert [each["name"] for each in more.json()["refused"]] == ["bad.png"]
    (person,) = (await browser.get("/api/v1/persons")).json()["persons"]
    assert (person["consent"], person["pictures"]) == ("signed", 2)
    changed = await browser.put(f"/api/v1/persons/{number}", json={"name": "Lan Anh"})
    assert changed.json()["name"] == "Lan Anh"
    cards = (await browser.get(f"/api/v1/persons/{number}/pictures")).json()
    picture = await browser.get(f"/api/v1/persons/pictures/{cards[0]['image_id']}")
    assert picture.content[:2] == b"\xff\xd8"
    assert picture.headers["cache-control"] == "no-store"
    exported = await browser.get(f"/api/v1/persons/{number}/export")
    assert exported.content[:2] == b"PK"
    denials = f"/api/v1/persons/{number}/denied"
    for _ in range(2):
        denied = await browser.post(denials, files=[file(photo(GREEN))])
        assert denied.status_code == 204
    newest = (await browser.get(f"{denials}?limit=1")).json()
    (last,) = newest["denied"]
    older = (await browser.get(f"{denials}?before={newest['next_before']}")).json()
    (first,), following = older["denied"], older["next_before"]
    assert following is None
    assert (last["denied_by"], last["source"]) == ("admin.0", "upload")
    assert (await browser.delete(f"{denials}/{first['denied_id']}")).status_code == 204
    assert (await browser.delete(f"{denials}/{first['denied_id']}")).status_code == 404
    assert [each["denied_id"] for each in (await browser.get(denials)).json()["denied"]] == [
        last["denied_id"]
    ]
    gone = (await browser.delete(f"/api/v1/persons/{number}")).json()
    assert (gone["is_gone"], gone["report"]["negatives"]) == (True, 1)


async def test_faces_are_told_and_compared_and_so_is_how_the_gallery_fares(
    browser: Browser,
) -> None:
    await enrolled(browser, RED)
    found = (await browser.post("/api/v1/faces/identify", files=[file(photo(RED, seed=2))])).json()
    assert (found["faces"][0]["outcome"], found["model"]) == ("known", "tiny-arcface")
    same = await browser.post(
        "/api/v1/faces/verify", files=[file(photo(RED)), file(photo(RED, seed=3), "other")]
    )
    assert same.json()["is_same"] is True
    assert (await browser.get("/api/v1/faces/status")).json()["persons"] == 1
    assert (await browser.get("/api/v1/faces/sightings/99")).status_code == 404
    told = (await browser.get("/health/detailed")).json()["faces"]
    assert (told["status"], told["model"], told["persons"], told["indexed"]) == (
        "ok",
        "tiny-arcface",
        1,
        2,
    )


async def test_without_models_the_answer_and_health_name_the_command(site: Site) -> None:
    async with await signed_in(site, Role.OPERATOR) as browser:
        answer = await browser.post("/query", files=[file(photo())])
        told = (await browser.get("/health/detailed")).json()["faces"]
    assert answer.status_code == 503
    assert (told["status"], told["model"]) == ("waiting", None)
    for said in (answer.json()["message"], told["reason"]):
        assert " -m agent models fetch" in said


async def test_beyond_the_bound_the_answer_says_when_to_come_again(browser: Browser) -> None:
    asked = [
        browser.post(path, files=[file(photo(RED, seed=seed))])
        for seed, path in enumerate(["/query", "/query", "/api/v1/faces/identify"] * 2)
    ]
    answers = await asyncio.gather(*asked)
    refused = [each for each in answers if each.status_code == 503]
    assert refused
    assert len(refused) + sum(each.status_code == 200 for each in answers) == len(answers)
    assert all(int(each.headers["retry-after"]) >= 1 for each in refused)


async def test_an_operator_may_not_forget_anybody(gallery: Site) -> None:
    async with await signed_in(gallery, Role.OPERATOR) as browser:
        await enrolled(browser, RED)
        assert (await browser.delete("/delete_class/1")).status_code == 403
        assert (await browser.get("/api/v1/persons/1/export")).status_code == 403


async def test_faces_of_cameras_are_listed_enrolled_matched_and_denied(
    browser: Browser, house: House
) -> None:
    camera = FaceCamera(house.path)
    seen = await camera.sends(photo(RED))
    await camera.close()
    listed = (await browser.get("/api/v1/faces/sightings", params={"camera": "gate-1"})).json()
    assert [each["id"] for each in listed["sightings"]] == [seen]
    face = await browser.get(f"/api/v1/faces/sightings/{seen}/face")
    assert (face.content[:2], face.headers["cache-control"]) == (b"\xff\xd8", "no-store")
    made = await browser.post("/api/v1/persons", data={"name": "Lan", "sighting": str(seen)})
    assert made.status_code == 201, made.text
    (picture,) = made.json()["pictures"]
    assert picture["source"] == "camera"
    who = (await browser.get(f"/api/v1/faces/sightings/{seen}")).json()
    assert who["faces"][0]["outcome"] == "known"
    earlier = (await browser.get(f"/api/v1/faces/sightings/{seen}/seen-before")).json()
    assert (earlier["visits"], earlier["keep_days"]) == ([], 0)
    assert (await browser.get("/api/v1/faces/matches")).json()["matches"] == []
    assert (await browser.post("/api/v1/faces/matches/7/denied")).status_code == 404
    assert (await browser.get("/api/v1/faces/visitors")).json()["keep_days"] == 0


async def test_two_numbers_are_merged_and_a_picture_is_examined(browser: Browser) -> None:
    kept = (await enrolled(browser, RED))["class_id"]
    gone = (await enrolled(browser, GREEN, ten="Lan again"))["class_id"]
    merged = await browser.post(f"/api/v1/persons/{kept}/merge", json={"other": gone})
    assert (merged.json()["name"], merged.json()["pictures"]) == ("Nguyễn Thị Lan", 4)
    assert (await browser.get(f"/api/v1/persons/{gone}")).status_code == 404
    again = await browser.post(f"/api/v1/persons/{kept}/merge", json={"other": kept})
    assert again.status_code == 400
    good = await browser.post("/api/v1/faces/examine", files=[file(photo(BLUE))])
    assert (good.json()["is_good"], good.json()["reason"]) == (True, None)


async def test_a_vector_of_the_gallerys_model_is_searched_for_and_no_other(
    browser: Browser,
) -> None:
    number = (await enrolled(browser, RED))["class_id"]
    status = (await browser.get("/api/v1/faces/status")).json()
    label = f"{status['model']}@{status['model_version']}"
    asked = {"vector": list(RED), "model": label}
    found = (await browser.post("/api/v1/faces/search", json=asked)).json()
    assert found["outcome"] == "known"
    assert found["likenesses"][0]["person"]["class_id"] == number
    other = await browser.post("/api/v1/faces/search", json={**asked, "model": "arcface@1"})
    assert other.status_code == 400
    assert label in other.text
    short = await browser.post("/api/v1/faces/search", json={**asked, "vector": [1.0, 0.0]})
    assert "expected 3 finite numbers" in short.text

"""Signing in and out over HTTP, by forms and by JSON; asking for an account; the set-up link."""

from __future__ import annotations

import json

import httpx
import pytest

from guarding.lockout import FREE_FAILURES
from server.accounts.contract import Standing
from server.accounts.permissions import Role
from tests.server.accounts.conftest import ADMIN, PASSWORD
from tests.server.web.site import URL, Site

PAGE = {"accept": "text/html", "origin": URL}


async def signed_in(browser: httpx.AsyncClient, name: str = "anna", **more: str) -> httpx.Response:
    return await browser.post("/login", json={"username": name, "password": PASSWORD, **more})


async def test_a_program_signs_in_with_json_and_uses_the_token(site: Site) -> None:
    await site.house.user("anna", Role.OPERATOR)
    async with site.browser() as browser:
        answer = await signed_in(browser)
    assert answer.status_code == 200
    said = answer.json()
    token = said.pop("access_token")
    assert said == {
        "status": "success",
        "message": "anna is signed in",
        "token_type": "bearer",
        "expires_in": 43200,
        "username": "anna",
        "role": "operator",
    }
    async with site.browser(authorization=f"Bearer {token}") as program:
        me = (await program.get("/api/v1/me")).json()
    assert (me["name"], me["kind"]) == ("anna", "user")


async def test_a_form_works_as_well_as_json(site: Site) -> None:
    await site.house.user("anna")
    async with site.browser() as browser:
        answer = await browser.post("/login", data={"username": "anna", "password": PASSWORD})
        assert answer.json()["token_type"] == "bearer"
        assert (await browser.get("/api/v1/me")).json()["name"] == "anna"


async def test_a_browser_is_led_to_where_it_wanted_to_go(site: Site) -> None:
    await site.house.user("anna")
    async with site.browser(**PAGE) as browser:
        turned_away = await browser.get("/api/v1/me")
        assert turned_away.status_code == 303
        assert turned_away.headers["location"] == "/login?next=/api/v1/me"
        form = await browser.get(turned_away.headers["location"])
        assert 'name="next" value="/api/v1/me"' in form.text
        answer = await browser.post(
            "/login", data={"username": "anna", "password": PASSWORD, "next": "/api/v1/me"}
        )
        assert answer.status_code == 303
        assert answer.headers["location"] == "/api/v1/me"


@pytest.mark.parametrize(
    "where", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "/\t/x"]
)
async def test_signing_in_never_leads_to_another_server(site: Site, where: str) -> None:
    await site.house.user("anna")
    async with site.browser(**PAGE) as browser:
        form = {"username": "anna", "password": PASSWORD, "next": where}
        assert (await browser.post("/login", data=form)).headers["location"] == "/"
        page = await browser.get("/login", params={"next": where})
        assert "evil" not in page.headers.get("location", "")


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Site) -> None:
    await site.house.user("anna")
    async with site.browser() as browser:
        cookie = (await signed_in(browser)).headers["set-cookie"]
    assert cookie.startswith("sightpost_centre=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))


async def test_under_tls_the_cookie_is_for_this_host_and_tls_alone(site: Site) -> None:
    await site.house.user("anna")
    async with site.browser(url="https://centre.example") as browser:
        cookie = (await signed_in(browser)).headers["set-cookie"]
        assert cookie.startswith("__Host-sightpost_centre=")
        assert "Secure" in cookie
        assert (await browser.get("/api/v1/me")).json()["name"] == "anna"
        browser.cookies = httpx.Cookies({"sightpost_centre": browser.cookies.popitem()[1]})
        assert (await browser.get("/api/v1/me")).status_code == 401


async def test_a_session_that_was_planted_is_not_taken_over(site: Site) -> None:
    await site.house.user("eve")
    await site.house.user("anna")
    async with site.browser() as attacker, site.browser() as victim:
        planted = (await signed_in(attacker, "eve")).json()["access_token"]
        victim.cookies.set("sightpost_centre", planted)
        got = (await signed_in(victim, "anna")).json()["access_token"]
        assert got != planted
        assert (await attacker.get("/api/v1/me")).status_code == 401
        for invented in ("invented", ""):
            victim.cookies.set("sightpost_centre", invented)
            assert (await signed_in(victim, "anna")).json()["access_token"] != invented


async def test_signing_out_ends_the_session_also_for_who_copied_the_cookie(site: Site) -> None:
    await site.house.user("anna")
    async with site.browser(**PAGE) as browser:
        form = {"username": "anna", "password": PASSWORD}
        session = (await browser.post("/login", data=form)).cookies["sightpost_centre"]
        answer = await browser.post("/logout")
        assert answer.headers["location"] == "/login"
        assert "Max-Age=0" in answer.headers["set-cookie"]
    async with site.browser(cookie=f"sightpost_centre={session}") as copied:
        assert (await copied.get("/api/v1/me")).status_code == 401


async def test_too_many_attempts_are_answered_429_with_how_long_to_wait(site: Site) -> None:
    await site.house.user("anna")
    async with site.browser() as browser:
        wrong = {"username": "anna", "password": "wrong"}
        answers = [await browser.post("/login", json=wrong) for _ in range(FREE_FAILURES + 1)]
        right = await signed_in(browser)
    assert [each.status_code for each in answers] == [401] * (FREE_FAILURES - 1) + [429, 429]
    assert right.status_code == 429
    assert 25 <= int(right.headers["retry-after"]) <= 30


async def test_a_wrong_password_on_the_page_is_told_there(site: Site) -> None:
    async with site.browser(**PAGE) as browser:
        form = {"username": '"><script>alert(1)</script>', "password": "wrong"}
        answer = await browser.post("/login", data=form)
    assert answer.status_code == 401
    assert "The name or the password is wrong" in answer.text
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("body", [b"[", b"[1]", b'{"username": 1}', b"[" * 5000])
async def test_json_that_is_none_is_told_so(site: Site, body: bytes) -> None:
    async with site.browser(content_type="application/json") as browser:
        answer = await browser.post("/login", content=body)
    assert answer.status_code == 400
    assert answer.json()["status"] == "error"


async def test_who_registers_gets_in_once_an_admin_agrees(site: Site) -> None:
    office = site.house.office
    async with site.browser() as browser:
        asked = {"username": "new", "password": PASSWORD, "full_name": "N. Ew"}
        answer = await browser.post("/register", json=asked)
        assert (answer.status_code, answer.json()["status"]) == (202, "success")
        again = await browser.post("/register", data=asked)
        assert (again.status_code, again.json()) == (202, answer.json())
        assert (await signed_in(browser, "new")).status_code == 401
        (pending,) = await office.list_users()
        await office.set_standing(ADMIN, pending.id, Standing.ACTIVE, Role.OPERATOR)
        assert (await signed_in(browser, "new")).json()["role"] == "operator"


async def test_registering_badly_says_what_to_write(site: Site) -> None:
    async with site.browser() as program, site.browser(**PAGE) as browser:
        bad = {"username": "a b", "password": PASSWORD}
        answer = await program.post("/register", json=bad)
        page = await browser.post("/register", data={"username": "ok", "password": "short"})
    assert answer.status_code == 400
    assert "no name for an account" in answer.json()["message"]
    assert page.status_code == 400
    assert "A password of 5 characters" in page.text


async def test_the_set_up_link_makes_an_admin_and_signs_them_in(site: Site) -> None:
    key = await site.house.store.change(lambda book: book.new_setup_key())
    async with site.browser(**PAGE) as browser:
        assert "Nobody has an account yet" in (await browser.get("/login")).text
        page = await browser.get("/setup", params={"key": key or ""})
        assert page.headers["referrer-policy"] == "same-origin"
        form = {"key": key or "", "username": "root", "password": PASSWORD}
        weak = await browser.post("/setup", data={**form, "password": "short"})
        assert weak.status_code == 400
        assert "Make the account" in page.text
        done = await browser.post("/setup", data=form)
        assert (done.status_code, done.headers["location"]) == (303, "/")
        used = await browser.get("/setup", params={"key": key or ""})
        assert "used up" in used.text
        assert "Make the account" not in used.text
        browser.headers["accept"] = "application/json"
        assert (await browser.get("/api/v1/me")).json()["role"] == "admin"
        again = await browser.post("/setup", data={**form, "username": "eve"})
        assert again.status_code == 400
        assert "used up" in json.dumps(again.json())

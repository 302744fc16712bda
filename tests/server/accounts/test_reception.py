"""Signing in: the same answer whatever is wrong, waits after failures, a new session each time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from guarding.lockout import FIRST_WAIT_S, FREE_FAILURES
from server.accounts.attempts import FREE_FAILURES_OF_A_NAME
from server.accounts.contract import SignInFailed, Standing
from server.accounts.hashing import Hashing
from server.accounts.permissions import Role
from server.accounts.reception import REGISTRATIONS, Reception
from server.accounts.setup_links import MOST_LINKS
from server.device_token import digest_of
from server.errors import AccountRefused
from tests.server.accounts.conftest import ADDRESS, ADMIN, PASSWORD, House

WRONG = "wrong"


async def failing(house: House, name: str, password: str = WRONG, address: str = ADDRESS) -> str:
    with pytest.raises(SignInFailed) as failed:
        await house.reception.sign_in(name, password, address)
    return str(failed.value)


async def test_who_signs_in_gets_a_session_of_which_only_the_hash_is_kept(
    house: House, tmp_path: Path
) -> None:
    await house.user("anna")
    signed_in = await house.reception.sign_in("ANNA", PASSWORD, ADDRESS)
    caller = await house.store.caller_of(digest_of(signed_in.session), ADDRESS)
    assert caller is not None
    assert caller.name == "anna"
    await house.store.close()
    assert signed_in.session.encode() not in (tmp_path / "server.db").read_bytes()
    assert PASSWORD.encode() not in (tmp_path / "server.db").read_bytes()


async def test_a_password_that_is_changed_while_it_is_checked_begins_no_session(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = await house.user("anna")
    matches = Hashing.matches

    async def and_then_changed(hashing: Hashing, password: str, kept: str | None) -> bool:
        is_right = await matches(hashing, password, kept)
        await house.office.set_password(ADMIN, anna.id, "another long password")
        return is_right

    monkeypatch.setattr(Hashing, "matches", and_then_changed)
    await failing(house, "anna", PASSWORD)


async def test_an_account_that_is_disabled_while_it_is_checked_begins_no_session(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = await house.user("anna")
    matches = Hashing.matches

    async def and_then_disabled(hashing: Hashing, password: str, kept: str | None) -> bool:
        is_right = await matches(hashing, password, kept)
        await house.office.set_standing(ADMIN, anna.id, Standing.DISABLED)
        return is_right

    monkeypatch.setattr(Hashing, "matches", and_then_disabled)
    await failing(house, "anna", PASSWORD)


async def test_all_failures_are_told_alike(house: House) -> None:
    await house.user("anna")
    gone = await house.user("gone")
    await house.office.set_standing(ADMIN, gone.id, Standing.DISABLED)
    await house.reception.register("new", PASSWORD, "", ADDRESS)
    said = {
        await failing(house, "anna"),
        await failing(house, "nobody"),
        await failing(house, "gone", PASSWORD, "192.0.2.8"),
        await failing(house, "new", PASSWORD, "192.0.2.9"),
    }
    assert len(said) == 1


async def test_an_unknown_name_costs_a_check_as_a_known_one_does(house: House) -> None:
    await house.user("anna")
    loop = asyncio.get_running_loop()
    took_s: dict[str, list[float]] = {"anna": [], "nobody": []}
    for number in range(5):
        for name, times in took_s.items():
            began_s = loop.time()
            await failing(house, name, address=f"198.51.{number}.1")
            times.append(loop.time() - began_s)
    fastest = {name: min(times) for name, times in took_s.items()}
    assert fastest["nobody"] > fastest["anna"] / 2


async def test_an_address_that_failed_too_often_waits_even_with_the_right_password(
    house: House,
) -> None:
    await house.user("anna")
    for number in range(FREE_FAILURES):
        await failing(house, f"name{number}")
    assert "try again in" in await failing(house, "anna", PASSWORD)
    await house.reception.sign_in("anna", PASSWORD, "192.0.2.8")
    house.clock.later(seconds=FIRST_WAIT_S + 1)
    await house.reception.sign_in("anna", PASSWORD, ADDRESS)


async def test_guessing_from_many_addresses_locks_the_account_but_not_where_its_owner_was(
    house: House,
) -> None:
    await house.user("anna")
    await house.reception.sign_in("anna", PASSWORD, "192.0.2.1")
    for number in range(FREE_FAILURES_OF_A_NAME):
        await failing(house, "anna", address=f"198.51.{number}.1")
    assert "try again in" in await failing(house, "Anna", PASSWORD, "198.51.200.1")
    await house.reception.sign_in("anna", PASSWORD, "192.0.2.250")


async def test_who_guesses_slowly_from_elsewhere_keeps_nobody_out_for_long(house: House) -> None:
    await house.user("anna")
    for number in range(3 * FREE_FAILURES_OF_A_NAME):
        await failing(house, "anna", address=f"198.51.{number}.1")
        house.clock.later(minutes=15)
    await failing(house, "anna", address="198.51.200.1")
    house.clock.later(seconds=FIRST_WAIT_S + 1)
    await house.reception.sign_in("anna", PASSWORD, "203.0.113.9")


async def test_guessing_next_door_keeps_the_owner_out_but_not_of_a_browser_used_before(
    house: House,
) -> None:
    await house.user("anna")
    browser = (await house.reception.sign_in("anna", PASSWORD, ADDRESS)).browser
    for number in range(FREE_FAILURES):
        await failing(house, "anna", address=f"192.0.2.{100 + number}")
    assert "try again in" in await failing(house, "anna", PASSWORD)
    again = await house.reception.sign_in("anna", PASSWORD, ADDRESS, browser=browser)
    assert again.browser == browser
    await house.user("eve")
    planted = await house.reception.sign_in("eve", PASSWORD, "192.0.2.9", browser="chosen")
    assert planted.browser != "chosen"
    for number in range(FREE_FAILURES):
        with pytest.raises(SignInFailed):
            await house.reception.sign_in("anna", f"wrong{number}", ADDRESS, browser=browser)
    with pytest.raises(SignInFailed, match="try again in"):
        await house.reception.sign_in("anna", PASSWORD, ADDRESS, browser=browser)


async def test_a_restart_forgets_neither_failures_nor_who_is_known(house: House) -> None:
    await house.user("anna")
    await house.user("ben")
    browser = (await house.reception.sign_in("ben", PASSWORD, ADDRESS)).browser
    for _ in range(FREE_FAILURES):
        await failing(house, "anna")
    after = Reception(house.store, house.hashing, clock=house.clock.seconds)
    with pytest.raises(SignInFailed, match="try again in"):
        await after.sign_in("anna", PASSWORD, ADDRESS)
    with pytest.raises(SignInFailed, match="try again in"):
        await after.sign_in("ben", PASSWORD, ADDRESS)
    await after.sign_in("ben", PASSWORD, ADDRESS, browser=browser)
    house.clock.later(seconds=FIRST_WAIT_S + 1)
    await after.sign_in("anna", PASSWORD, ADDRESS)
    again = Reception(house.store, house.hashing, clock=house.clock.seconds)
    await again.sign_in("anna", PASSWORD, ADDRESS)


async def test_failures_of_a_clock_that_was_ahead_lock_nobody_out_once_it_is_set_back(
    house: House,
) -> None:
    await house.user("anna")
    monotonic = house.clock.seconds()
    reception = Reception(house.store, house.hashing, clock=lambda: monotonic)
    house.clock.later(days=400)
    for _ in range(FREE_FAILURES):
        with pytest.raises(SignInFailed):
            await reception.sign_in("anna", WRONG, ADDRESS)
    with pytest.raises(SignInFailed, match="try again in"):
        await reception.sign_in("anna", PASSWORD, ADDRESS)
    house.clock.later(days=-400)
    monotonic += FIRST_WAIT_S + 1
    await reception.sign_in("anna", PASSWORD, ADDRESS)
    for _ in range(FREE_FAILURES):  # and those of now count from the first on
        with pytest.raises(SignInFailed, match="the name or the password is wrong"):
            await reception.sign_in("ben", WRONG, ADDRESS)
    with pytest.raises(SignInFailed, match="try again in"):
        await reception.sign_in("ben", WRONG, ADDRESS)


async def test_an_unknown_name_is_locked_as_a_known_one_is(house: House) -> None:
    for number in range(FREE_FAILURES_OF_A_NAME):
        await failing(house, "nobody", address=f"198.51.{number}.1")
    assert "try again in" in await failing(house, "nobody", address="198.51.200.1")


async def test_addresses_of_one_ipv6_site_fail_together(house: House) -> None:
    for number in range(FREE_FAILURES):
        await failing(house, f"name{number}", address=f"2001:db8::{number}")
    assert "try again in" in await failing(house, "x", address="2001:db8::99")


async def test_many_guesses_at_once_get_no_more_than_one_after_the_other(house: House) -> None:
    await house.user("anna")
    guesses = [house.reception.sign_in("anna", "wrong", ADDRESS) for _ in range(12)]
    said = [str(each) for each in await asyncio.gather(*guesses, return_exceptions=True)]
    assert sum("wrong" in each for each in said) == FREE_FAILURES


async def test_signing_in_ends_the_session_that_was_brought(house: House) -> None:
    await house.user("anna")
    first = digest_of((await house.reception.sign_in("anna", PASSWORD, ADDRESS)).session)
    second = await house.reception.sign_in("anna", PASSWORD, ADDRESS, replaced=first)
    assert await house.store.caller_of(first, ADDRESS) is None
    assert await house.store.caller_of(digest_of(second.session), ADDRESS) is not None


async def test_every_sign_in_and_failure_is_audited(house: House) -> None:
    await house.user("anna")
    await failing(house, "anna")
    await failing(house, "my secret password!")
    await house.office.end_session(await house.caller("anna"))
    assert (await house.actions())[1:] == [
        ("", "sign-in failed", "anna"),
        ("", "sign-in failed", "(no account's name)"),
        ("anna", "sign-in", "anna"),
        ("anna", "sign-out", "anna"),
    ]


async def test_who_registers_waits_for_an_admin(house: House) -> None:
    await house.reception.register("new", PASSWORD, "N. Ew", ADDRESS)
    (pending,) = await house.office.list_users()
    assert pending.standing is Standing.PENDING
    await failing(house, "new", PASSWORD)
    await house.office.set_standing(ADMIN, pending.id, Standing.ACTIVE)
    assert (await house.caller("new")).user_id == pending.id


async def test_registering_a_name_that_is_taken_changes_nothing_and_says_nothing(
    house: House,
) -> None:
    await house.user("anna")
    await house.reception.register("Anna", "another password", "Somebody", ADDRESS)
    assert [user.name for user in await house.office.list_users()] == ["anna"]
    await house.reception.sign_in("anna", PASSWORD, ADDRESS)


async def test_one_address_registers_few_accounts(house: House) -> None:
    for number in range(REGISTRATIONS):
        await house.reception.register(f"new{number}", PASSWORD, "", ADDRESS)
    with pytest.raises(AccountRefused, match="too many attempts"):
        await house.reception.register("another", PASSWORD, "", ADDRESS)


async def test_a_set_up_link_makes_one_admin_once(house: House) -> None:
    key = await house.store.change(lambda book: book.new_setup_key())
    assert key is not None
    with pytest.raises(AccountRefused, match="used up or too old"):
        await house.reception.set_up(key + "x", "eve", PASSWORD, ADDRESS)
    signed_in = await house.reception.set_up(key, "anna", PASSWORD, ADDRESS)
    assert signed_in.user.role.value == "admin"
    with pytest.raises(AccountRefused, match="used up or too old"):
        await house.reception.set_up(key, "eve", PASSWORD, ADDRESS)
    assert await house.store.change(lambda book: book.new_setup_key()) is None


async def test_set_up_links_of_processes_that_start_together_are_good_until_one_is_used(
    either: House,
) -> None:
    keys = [await _new_key(either) for _ in range(MOST_LINKS + 1)]
    with pytest.raises(AccountRefused, match="used up or too old"):
        await either.reception.set_up(keys[0], "eve", PASSWORD, ADDRESS)
    await either.reception.set_up(keys[1], "anna", PASSWORD, ADDRESS)
    with pytest.raises(AccountRefused, match="used up or too old"):
        await either.reception.set_up(keys[-1], "eve", PASSWORD, "192.0.2.8")


async def test_a_set_up_link_gets_too_old(house: House) -> None:
    key = await _new_key(house)
    house.clock.later(hours=25)
    with pytest.raises(AccountRefused, match="used up or too old"):
        await house.reception.set_up(key, "anna", PASSWORD, ADDRESS)
    await _new_key(house)
    async with house.beside() as inside:
        assert await inside.query("SELECT count(*) FROM setup_links") == [(1,)]


async def _new_key(house: House) -> str:
    house.clock.later(seconds=1)
    key = await house.store.change(lambda book: book.new_setup_key())
    assert key is not None
    return key


async def test_a_set_up_link_is_good_for_nothing_once_there_is_an_admin(house: House) -> None:
    key = await house.store.change(lambda book: book.new_setup_key())
    await house.user("anna", Role.ADMIN)
    assert key is not None
    with pytest.raises(AccountRefused, match="used up or too old"):
        await house.reception.set_up(key, "eve", PASSWORD, ADDRESS)


async def test_what_fails_at_one_process_counts_at_all_and_is_forgiven_at_all(
    either: House,
) -> None:
    await either.user("anna")
    one, other = (
        Reception(either.store, either.hashing, clock=either.clock.seconds) for _ in range(2)
    )

    async def fails(at: Reception) -> str:
        with pytest.raises(SignInFailed) as failed:
            await at.sign_in("anna", WRONG, ADDRESS)
        return str(failed.value)

    for _ in range(FREE_FAILURES - 2):
        await fails(one)
    await asyncio.gather(fails(one), fails(other))
    for each in (one, other):
        assert "try again in" in await fails(each)
    either.clock.later(seconds=FIRST_WAIT_S + 1)
    await other.sign_in("anna", PASSWORD, ADDRESS)
    for at in (one, other, one):
        assert "try again in" not in await fails(at)

"""Sessions, tokens, accounts and the audit log on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from server.accounts import sessions
from server.accounts.contract import Action, Caller, CallerKind, SignInFailed, Standing
from server.accounts.permissions import SCOPES, TABLE, Permission, Role
from server.device_token import digest_of
from server.errors import AccountRefused, GroupRefused
from tests.server.accounts.conftest import ADDRESS, ADMIN, PASSWORD, House, house_in

NEW_PASSWORD = "another horse battery"
READING = frozenset({Permission.SEE_SIGHTINGS})


@pytest.fixture
def house(either: House) -> House:
    return either


@pytest.fixture
async def in_sqlite(tmp_path: Path) -> AsyncIterator[House]:
    async with house_in(tmp_path, None) as opened:
        yield opened


async def session_of(house: House, name: str) -> bytes:
    return digest_of((await house.reception.sign_in(name, PASSWORD, ADDRESS)).session)


async def knows(house: House, digest: bytes) -> bool:
    return await house.store.caller_of(digest, ADDRESS) is not None


async def test_a_session_nobody_uses_ends_and_one_in_use_goes_on(house: House) -> None:
    await house.user("anna")
    idle, used = await session_of(house, "anna"), await session_of(house, "anna")
    for _ in range(3):
        house.clock.later(minutes=25)
        house.store.note_session_use(used)
    assert not await knows(house, idle)
    assert await knows(house, used)
    await house.store.flush_uses()
    assert await knows(house, used)


async def test_a_session_ends_in_any_case_after_half_a_day(house: House) -> None:
    await house.user("anna")
    session = await session_of(house, "anna")
    for _ in range(23):
        house.clock.later(minutes=30)
        house.store.note_session_use(session)
        assert await knows(house, session)
    house.clock.later(minutes=30)
    house.store.note_session_use(session)
    assert not await knows(house, session)


async def test_sessions_that_are_over_are_taken_away(house: House) -> None:
    await house.user("anna")
    await session_of(house, "anna")
    house.clock.later(hours=13)
    await house.store.flush_uses()
    async with house.beside() as inside:
        assert await inside.query("SELECT count(*) FROM sessions") == [(0,)]


async def test_one_account_has_so_many_sessions_the_oldest_ends(house: House) -> None:
    await house.user("anna")
    caller = await house.caller("anna")
    assert caller.session is not None
    checked = await house.store.credentials("anna")
    assert checked is not None
    for _ in range(sessions.MOST_OF_ONE_ACCOUNT):
        house.clock.later(seconds=1)
        last = await house.store.change(
            lambda book: book.begin_session(caller, checked, replaced=None)
        )
    assert not await knows(house, caller.session)
    assert await knows(house, digest_of(last))


async def test_signing_out_ends_the_session(house: House) -> None:
    await house.user("anna")
    caller = await house.caller("anna")
    assert caller.session is not None
    await house.office.end_session(caller)
    assert not await knows(house, caller.session)


async def test_another_password_ends_every_other_session(house: House) -> None:
    await house.user("anna")
    other = await session_of(house, "anna")
    caller = await house.caller("anna")
    assert caller.session is not None
    await house.office.change_own_password(caller, PASSWORD, NEW_PASSWORD)
    assert not await knows(house, other)
    assert await knows(house, caller.session)
    with pytest.raises(SignInFailed):
        await house.reception.sign_in("anna", PASSWORD, ADDRESS)
    await house.reception.sign_in("anna", NEW_PASSWORD, ADDRESS)


async def test_ones_own_password_changes_only_with_the_old_one(house: House) -> None:
    await house.user("anna")
    caller = await house.caller("anna")
    with pytest.raises(SignInFailed):
        await house.office.change_own_password(caller, "wrong", NEW_PASSWORD)


async def test_a_password_set_by_an_admin_ends_all_sessions(house: House) -> None:
    user = await house.user("anna")
    session = await session_of(house, "anna")
    await house.office.set_password(ADMIN, user.id, NEW_PASSWORD)
    assert not await knows(house, session)


async def test_a_disabled_account_is_out_at_once_with_its_tokens(house: House) -> None:
    user = await house.user("anna")
    caller = await house.caller("anna")
    assert caller.session is not None
    token = await house.office.make_token(caller, "grafana", READING)
    await house.office.set_standing(ADMIN, user.id, Standing.DISABLED)
    assert not await knows(house, caller.session)
    assert not await knows(house, digest_of(token))
    await house.office.set_standing(ADMIN, user.id, Standing.ACTIVE)
    assert not await knows(house, caller.session)
    assert await knows(house, digest_of(token))


async def test_a_role_counts_from_the_next_request_on(house: House) -> None:
    user = await house.user("anna")
    caller = await house.caller("anna")
    assert caller.session is not None
    assert not caller.may(Permission.EXPORT)
    await house.office.set_role(ADMIN, user.id, Role.OPERATOR)
    again = await house.store.caller_of(caller.session, ADDRESS)
    assert again is not None
    assert again.permissions == TABLE[Role.OPERATOR]


async def test_the_last_admin_stays_one(house: House) -> None:
    user = await house.user("anna", Role.ADMIN)
    with pytest.raises(AccountRefused, match="the last admin"):
        await house.office.set_role(ADMIN, user.id, Role.VIEWER)
    with pytest.raises(AccountRefused, match="the last admin"):
        await house.office.set_standing(ADMIN, user.id, Standing.DISABLED)
    (still,) = await house.office.list_users()
    assert (still.role, still.standing) == (Role.ADMIN, Standing.ACTIVE)
    await house.user("bert", Role.ADMIN)
    await house.office.set_role(ADMIN, user.id, Role.VIEWER)


async def test_a_token_does_what_its_scopes_say_and_its_owner_may(house: House) -> None:
    user = await house.user("anna", Role.OPERATOR)
    caller = await house.caller("anna")
    scopes = frozenset({Permission.EXPORT, Permission.SEE_SIGHTINGS})
    token = await house.office.make_token(caller, "nightly export", scopes)
    found = await house.store.caller_of(digest_of(token), ADDRESS)
    assert found is not None
    assert (found.kind, found.name) == (CallerKind.TOKEN, "anna/nightly export")
    assert found.permissions == scopes
    await house.office.set_role(ADMIN, user.id, Role.VIEWER)
    found = await house.store.caller_of(digest_of(token), ADDRESS)
    assert found is not None
    assert found.permissions == READING


async def test_only_the_hash_of_a_token_is_kept(in_sqlite: House, tmp_path: Path) -> None:
    house = in_sqlite
    await house.user("anna")
    token = await house.office.make_token(await house.caller("anna"), "grafana", READING)
    assert len(token) == 43
    await house.store.close()
    assert token.encode() not in (tmp_path / "server.db").read_bytes()


async def test_a_token_ends_when_it_expires_or_is_revoked(house: House) -> None:
    await house.user("anna")
    caller = await house.caller("anna")
    soon = house.clock.now() + timedelta(days=1)
    expiring = digest_of(await house.office.make_token(caller, "a", READING, soon))
    revoked = digest_of(await house.office.make_token(caller, "b", READING))
    newest, _ = await house.office.list_tokens(caller.user_id)
    await house.office.revoke_token(caller, newest.id)
    assert not await knows(house, revoked)
    assert await knows(house, expiring)
    house.clock.later(days=1)
    assert not await knows(house, expiring)


async def test_the_last_use_of_a_token_is_noted(house: House) -> None:
    await house.user("anna")
    caller = await house.caller("anna")
    token = digest_of(await house.office.make_token(caller, "a", READING))
    house.clock.later(minutes=5)
    assert await knows(house, token)
    await house.store.flush_uses()
    (held,) = await house.office.list_tokens()
    assert held.last_used_at == house.clock.now()


async def test_only_its_owner_and_admins_revoke_a_token(house: House) -> None:
    await house.user("anna")
    await house.user("bert")
    await house.office.make_token(await house.caller("anna"), "a", READING)
    (held,) = await house.office.list_tokens()
    with pytest.raises(AccountRefused, match="there is no token number"):
        await house.office.revoke_token(await house.caller("bert"), held.id)
    await house.office.revoke_token(ADMIN, held.id)


@pytest.mark.parametrize("scopes", [frozenset(), frozenset(Permission) - SCOPES])
async def test_a_token_for_accounts_or_for_nothing_is_refused(
    house: House, scopes: frozenset[Permission]
) -> None:
    await house.user("anna")
    with pytest.raises(AccountRefused, match="at least one scope"):
        await house.office.make_token(await house.caller("anna"), "a", scopes)


async def test_neither_a_token_nor_the_machine_makes_tokens(house: House) -> None:
    await house.user("anna")
    token = await house.office.make_token(await house.caller("anna"), "a", READING)
    by_token = await house.store.caller_of(digest_of(token), ADDRESS)
    machine = Caller(kind=CallerKind.MACHINE, name="this machine", address=ADDRESS)
    for caller in (by_token, machine):
        assert caller is not None
        with pytest.raises(AccountRefused, match="sign in first"):
            await house.office.make_token(caller, "b", READING)


@pytest.mark.parametrize(
    ("name", "password", "told"),
    [
        ("a b", PASSWORD, "no name for an account"),
        ("<script>", PASSWORD, "no name for an account"),
        ("anna", "short", "a password of 5 characters"),
        ("anna", "x" * 201, "a password of 201 characters"),
        ("anna", "1212121212", "fewer than 5 different"),
        ("anna.kowalska", "Anna.Kowalska", "the account's name"),
        ("taken", PASSWORD, "there is an account taken already"),
    ],
)
async def test_a_bad_name_or_password_is_refused(
    house: House, name: str, password: str, told: str
) -> None:
    await house.user("Taken")
    with pytest.raises(AccountRefused, match=told) as refused:
        await house.office.make_user(ADMIN, name, password, Role.VIEWER)
    assert password == name or password not in str(refused.value)


async def test_only_a_pending_account_is_rejected(house: House) -> None:
    user = await house.user("anna")
    with pytest.raises(AccountRefused, match="pending"):
        await house.office.reject(ADMIN, user.id)
    await house.reception.register("new", PASSWORD, "", ADDRESS)
    pending, _ = await house.office.list_users()
    await house.office.reject(ADMIN, pending.id)
    assert [each.name for each in await house.office.list_users()] == ["anna"]


async def test_a_change_that_fails_is_not_audited_and_one_that_is_done_is(house: House) -> None:
    user = await house.user("anna", Role.ADMIN)
    with pytest.raises(AccountRefused):
        await house.office.set_role(ADMIN, user.id, Role.VIEWER)
    assert await house.actions() == [("root", "account made", "anna")]


async def test_the_audit_log_is_read_by_page_actor_action_and_time(house: House) -> None:
    for number in range(5):
        await house.store.audit(ADMIN, Action.EXPORT, f"export {number}", "lpr")
        house.clock.later(hours=1)
    other = Caller(kind=CallerKind.USER, name="bert", address=ADDRESS)
    await house.store.audit(other, Action.DELETION, "3 days")
    first = await house.store.audit_page(limit=2)
    assert [entry.subject for entry in first.entries] == ["3 days", "export 4"]
    second = await house.store.audit_page(limit=10, before=first.next_before)
    assert [entry.subject for entry in second.entries] == [f"export {n}" for n in (3, 2, 1, 0)]
    assert second.next_before is None
    by_bert = await house.store.audit_page(actor="bert")
    assert [entry.action for entry in by_bert.entries] == [Action.DELETION]
    since = house.clock.now() - timedelta(hours=2)
    recent = await house.store.audit_page(action=Action.EXPORT, since=since)
    assert [entry.subject for entry in recent.entries] == ["export 4", "export 3"]


async def test_nobody_waits_at_the_door_while_the_audit_log_is_searched(
    in_sqlite: House, tmp_path: Path
) -> None:
    house = in_sqlite
    await house.user("anna")
    digest = await session_of(house, "anna")
    connection = apsw.Connection(str(tmp_path / "server.db"))
    connection.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
        "INSERT INTO audit_log (at, actor, actor_kind, address, action, subject, detail) "
        "SELECT '2026-03-01T12:00:00+00:00', 'x', 'user', '', 'export', '', '' FROM n"
    )
    connection.close()
    search = asyncio.create_task(house.store.audit_page(action=Action.DELETION))
    await asyncio.sleep(0)
    assert await knows(house, digest)
    assert not search.done()
    assert not (await search).entries


@pytest.mark.parametrize("statement", ["DELETE FROM audit_log", "UPDATE audit_log SET actor = 'x'"])
async def test_entries_of_the_audit_log_are_neither_changed_nor_taken_away(
    house: House, statement: str
) -> None:
    await house.store.audit(ADMIN, Action.EXPORT)
    async with house.beside() as inside:
        with pytest.raises((apsw.ConstraintError, GroupRefused), match="audit log"):
            await inside.execute(statement)

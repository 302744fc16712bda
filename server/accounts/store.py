"""Accounts in the server's database: a thread that writes, one that reads, and one that looks
through the audit log, for which nobody's session waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from server.accounts import api_tokens, attempt_rows, audit, sessions, users
from server.accounts.attempts import Failures, Familiar
from server.accounts.book import AccountBook
from server.accounts.contract import (
    Action,
    ApiToken,
    AuditPage,
    Caller,
    CallerKind,
    Standing,
    User,
)
from server.accounts.lifetimes import Lifetimes
from server.accounts.noting import Note, Notes
from server.accounts.permissions import TABLE, Permission, Role, of_token
from server.accounts.users import Credentials
from server.errors import AccountRefused
from server.storage.connection import (
    open_note_writer,
    open_reader,
    open_second_writer,
    storage_errors,
    transaction,
)

DEMANDED: Final = {
    Action.EXPORT: Permission.EXPORT,
    Action.CORRECTION: Permission.CORRECT,
    Action.DELETION: Permission.DELETE_DATA,
    Action.WATCHLIST_CHANGED: Permission.EDIT_WATCHLISTS,
    Action.ALERT_JUDGED: Permission.JUDGE_ALERTS,
    Action.CHANNEL_CHANGED: Permission.MANAGE_CHANNELS,
    Action.PERSON_SEEN: Permission.SEE_PEOPLE,
    Action.PERSON_ENROLLED: Permission.ENROL_PEOPLE,
    Action.PERSON_CHANGED: Permission.ENROL_PEOPLE,
    Action.PERSON_EXPORTED: Permission.FORGET_PEOPLE,
    Action.PERSON_FORGOTTEN: Permission.FORGET_PEOPLE,
}
"""What an action needs at the moment when it is written down."""

_T = TypeVar("_T")


class AccountStore:
    """On a migrated database; `now` is the time in UTC.

    Uses of sessions and tokens are kept in memory until `flush_uses`, so that reading a page costs
    no write.
    """

    def __init__(self, path: Path, lifetimes: Lifetimes, now: Callable[[], datetime]) -> None:
        self._lifetimes = lifetimes
        self._now = now
        self._reader = open_reader(path)
        self._log_reader = open_reader(path)
        self._writer = open_second_writer(path)
        self._notes = open_note_writer(path)
        self._book = AccountBook(self._writer, now)
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="sightpost-accounts")
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="sightpost-access")
        self._searching = ThreadPoolExecutor(1, thread_name_prefix="sightpost-audit")
        self._noting = Notes(self._write_notes, self._writing)
        self._session_uses: dict[bytes, datetime] = {}
        self._token_uses: dict[bytes, datetime] = {}
        self._is_closed = False

    async def change(self, work: Callable[[AccountBook], _T]) -> _T:
        """One change of the book; raises StorageUnavailable and what the book raises."""

        def run() -> _T:
            with storage_errors():
                return work(self._book)

        return await asyncio.get_running_loop().run_in_executor(self._writing, run)

    async def _read(self, work: Callable[[], _T], thread: ThreadPoolExecutor | None = None) -> _T:
        def run() -> _T:
            with storage_errors():
                return work()

        return await asyncio.get_running_loop().run_in_executor(thread or self._reading, run)

    @property
    def session_lasts_s(self) -> int:
        return int(self._lifetimes.whole.total_seconds())

    async def has_admin(self) -> bool:
        """One who may sign in."""
        return await self._read(
            lambda: users.count(self._reader, standing=Standing.ACTIVE, role=Role.ADMIN) > 0
        )

    async def still(self, caller: Caller, permission: Permission) -> None:
        """Raises AccountRefused where somebody who signed in is so no more, or may no longer."""
        if caller.session is None:
            return
        present = await self.caller_of(caller.session, caller.address)
        if present is None:
            raise AccountRefused("you have been signed out: sign in again at /login")
        if not present.may(permission):
            raise AccountRefused(permission.demand)

    async def audit(
        self, caller: Caller, action: Action, subject: str = "", detail: str = ""
    ) -> None:
        needed = DEMANDED.get(action)
        if needed is not None:
            await self.still(caller, needed)
        await self._noting.add(Note(caller=caller, action=action, subject=subject, detail=detail))

    def _write_notes(self, notes: Sequence[Note]) -> None:
        with storage_errors():
            self._book.note_all(notes)

    async def audit_page(
        self,
        *,
        before: int | None = None,
        limit: int = 100,
        actor: str | None = None,
        action: Action | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AuditPage:
        return await self._read(
            lambda: audit.page(
                self._log_reader,
                before=before,
                limit=limit,
                actor=actor,
                action=action,
                since=since,
                until=until,
            ),
            self._searching,
        )

    async def list_users(self) -> Sequence[User]:
        return await self._read(lambda: users.list_users(self._reader))

    async def user(self, user_id: int) -> User:
        """Raises AccountRefused."""
        return await self._read(lambda: users.user(self._reader, user_id))

    async def list_tokens(self, owner_id: int | None = None) -> Sequence[ApiToken]:
        return await self._read(lambda: api_tokens.list_tokens(self._reader, owner_id))

    async def attempts(self) -> tuple[Sequence[Failures], Sequence[Familiar]]:
        """Failures to sign in that are not forgotten, and where from somebody did."""
        return await self._read(
            lambda: (
                attempt_rows.read_failures(self._reader, self._now()),
                attempt_rows.read_familiar(self._reader),
            )
        )

    async def credentials(self, name: str) -> Credentials | None:
        """Of the account of that name."""
        return await self._read(lambda: users.credentials(self._reader, name))

    async def caller_of(self, digest: bytes, address: str) -> Caller | None:
        """Who brings the session or API token of that SHA-256; None: it is good for nothing."""
        caller = await self._read(
            lambda: self._by_session(digest, address) or self._by_token(digest, address)
        )
        if caller is not None and caller.kind is CallerKind.TOKEN:
            self._token_uses[digest] = self._now()
        return caller

    def _by_session(self, digest: bytes, address: str) -> Caller | None:
        held = sessions.find(self._reader, digest)
        if held is None:
            return None
        now = self._now()
        last_used_at = max(held.last_used_at, self._session_uses.get(digest, held.last_used_at))
        if self._lifetimes.is_over(begun_at=held.begun_at, last_used_at=last_used_at, now=now):
            return None
        user = users.user(self._reader, held.user_id)
        if user.standing is not Standing.ACTIVE:
            return None
        return Caller(
            kind=CallerKind.USER,
            name=user.name,
            address=address,
            permissions=TABLE[user.role],
            user_id=user.id,
            role=user.role,
            session=digest,
        )

    def _by_token(self, digest: bytes, address: str) -> Caller | None:
        held = api_tokens.find(self._reader, digest)
        if held is None or held.revoked_at is not None:
            return None
        if held.expires_at is not None and self._now() >= held.expires_at:
            return None
        owner = users.user(self._reader, held.owner_id)
        if owner.standing is not Standing.ACTIVE:
            return None
        return Caller(
            kind=CallerKind.TOKEN,
            name=f"{owner.name}/{held.name}",
            address=address,
            permissions=of_token(owner.role, held.scopes),
            user_id=owner.id,
            role=owner.role,
        )

    def note_session_use(self, digest: bytes) -> None:
        """Somebody is there; what a page asks for by itself is no use."""
        self._session_uses[digest] = self._now()

    async def flush_uses(self) -> None:
        """Writes the uses since the last time, and takes away sessions that are over."""
        of_sessions, self._session_uses = self._session_uses, {}
        of_tokens, self._token_uses = self._token_uses, {}

        def write() -> None:
            with storage_errors(), transaction(self._notes):
                sessions.note_uses(self._notes, of_sessions)
                api_tokens.note_uses(self._notes, of_tokens)
                sessions.end_old(self._notes, self._lifetimes, self._now())

        try:
            await asyncio.get_running_loop().run_in_executor(self._writing, write)
        except BaseException:
            self._session_uses = {**of_sessions, **self._session_uses}
            self._token_uses = {**of_tokens, **self._token_uses}
            raise

    async def close(self) -> None:
        """Waits for the write in hand, then closes; idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._log_reader.interrupt()  # a search may take seconds
        for thread in (self._searching, self._reading, self._writing):
            thread.shutdown()
        for connection in (self._log_reader, self._reader, self._notes, self._writer):
            connection.close()

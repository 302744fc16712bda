"""Accounts in the server's database, whichever it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from server.accounts import api_tokens, attempt_rows, audit, sessions, users
from server.accounts.attempts import Attempt, Failures, Familiar
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
from server.storage.asking import Reader, Readers, Writer, Writing

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

LONGEST_SEARCH_S: Final = 30.0
"""Of the audit log."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPlace:
    """Where accounts are. `searching` looks through the audit log: no session waits for that. Of
    what `noting` writes a power cut may take the last. `close` blocks, and is idempotent."""

    reading: Readers
    searching: Readers
    writing: Writing
    noting: Writing
    close: Callable[[], None]


class AccountStore:
    """On a migrated database; `now` is the time in UTC.

    Uses of sessions and tokens are kept in memory until `flush_uses`, so that reading a page costs
    no write.
    """

    def __init__(
        self, place: AccountPlace, lifetimes: Lifetimes, now: Callable[[], datetime]
    ) -> None:
        self._place = place
        self._lifetimes = lifetimes
        self._now = now
        self._noting = Notes(self._write_notes)
        self._session_uses: dict[bytes, datetime] = {}
        self._token_uses: dict[bytes, datetime] = {}

    async def change(self, work: Callable[[AccountBook], _T]) -> _T:
        """One change of the book; raises StorageUnavailable and what the book raises."""
        return await self._place.writing.write(lambda writer: work(AccountBook(writer, self._now)))

    async def _read(self, work: Callable[[Reader], _T]) -> _T:
        return await self._place.reading.ask(work)

    @property
    def session_lasts_s(self) -> int:
        return int(self._lifetimes.whole.total_seconds())

    async def has_admin(self) -> bool:
        """One who may sign in."""
        return await self._read(
            lambda reader: users.count(reader, standing=Standing.ACTIVE, role=Role.ADMIN) > 0
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

    async def _write_notes(self, notes: Sequence[Note]) -> None:
        await self.change(lambda book: book.note_all(notes))

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
        return await self._place.searching.ask(
            lambda reader: audit.page(
                reader,
                before=before,
                limit=limit,
                actor=actor,
                action=action,
                since=since,
                until=until,
            ),
            longest_s=LONGEST_SEARCH_S,
        )

    async def list_users(self) -> Sequence[User]:
        return await self._read(users.list_users)

    async def user(self, user_id: int) -> User:
        """Raises AccountRefused."""
        return await self._read(lambda reader: users.user(reader, user_id))

    async def list_tokens(self, owner_id: int | None = None) -> Sequence[ApiToken]:
        return await self._read(lambda reader: api_tokens.list_tokens(reader, owner_id))

    async def kept_of(self, attempt: Attempt) -> tuple[Sequence[Failures], Sequence[Familiar]]:
        """Failures that are not forgotten of what it may count by, and where from somebody signed
        in, of where it comes from."""
        return await self._read(
            lambda reader: (
                attempt_rows.read_failures(reader, attempt, self._now()),
                attempt_rows.read_familiar(reader, attempt),
            )
        )

    async def credentials(self, name: str) -> Credentials | None:
        """Of the account of that name."""
        return await self._read(lambda reader: users.credentials(reader, name))

    async def caller_of(self, digest: bytes, address: str) -> Caller | None:
        """Who brings the session or API token of that SHA-256; None: it is good for nothing."""
        caller = await self._read(
            lambda reader: (
                self._by_session(reader, digest, address) or self._by_token(reader, digest, address)
            )
        )
        if caller is not None and caller.kind is CallerKind.TOKEN:
            self._token_uses[digest] = self._now()
        return caller

    def _by_session(self, reader: Reader, digest: bytes, address: str) -> Caller | None:
        held = sessions.find(reader, digest)
        if held is None:
            return None
        now = self._now()
        last_used_at = max(held.last_used_at, self._session_uses.get(digest, held.last_used_at))
        if self._lifetimes.is_over(begun_at=held.begun_at, last_used_at=last_used_at, now=now):
            return None
        user = users.user(reader, held.user_id)
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

    def _by_token(self, reader: Reader, digest: bytes, address: str) -> Caller | None:
        held = api_tokens.find(reader, digest)
        if held is None or held.revoked_at is not None:
            return None
        if held.expires_at is not None and self._now() >= held.expires_at:
            return None
        owner = users.user(reader, held.owner_id)
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

        def write(writer: Writer) -> None:
            sessions.note_uses(writer, of_sessions)
            api_tokens.note_uses(writer, of_tokens)
            sessions.end_old(writer, self._lifetimes, self._now())

        try:
            await self._place.noting.write(write)
        except BaseException:
            self._session_uses = {**of_sessions, **self._session_uses}
            self._token_uses = {**of_tokens, **self._token_uses}
            raise

    async def close(self) -> None:
        """Waits for the write in hand, then closes; idempotent."""
        await asyncio.to_thread(self._place.close)

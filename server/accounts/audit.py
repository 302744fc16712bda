"""The audit log: entries are added and read, never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from server.accounts.contract import Action, AuditEntry, AuditPage, Caller, CallerKind
from server.accounts.times import moment_of
from server.storage.asking import Reader, Writer
from server.storage.times import stamp

MOST_ON_A_PAGE: Final = 500
LONGEST_TEXT: Final = 1000
"""Characters of subject and detail; what is longer is cut."""


def write(
    writer: Writer,
    caller: Caller,
    action: Action,
    subject: str,
    detail: str,
    now: datetime,
) -> None:
    """Within the caller's transaction, so that what is done and its entry are one."""
    writer.change(
        "INSERT INTO audit_log (at, actor, actor_kind, address, action, subject, detail) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            stamp(now),
            caller.name,
            caller.kind.value,
            caller.address,
            action.value,
            subject[:LONGEST_TEXT],
            detail[:LONGEST_TEXT],
        ),
    )


def page(
    reader: Reader,
    *,
    before: int | None,
    limit: int,
    actor: str | None,
    action: Action | None,
    since: datetime | None,
    until: datetime | None,
) -> AuditPage:
    """Newest first, at most MOST_ON_A_PAGE; one more is asked for to know whether any follow."""
    limit = max(1, min(limit, MOST_ON_A_PAGE))
    conditions: list[tuple[str, Any]] = [
        ("id < ?", before),
        ("actor = ?", actor),
        ("action = ?", action and action.value),
        ("at >= ?", since and stamp(since)),
        ("at < ?", until and stamp(until)),
    ]
    given = [(text, value) for text, value in conditions if value is not None]
    where = " AND ".join(["true", *(text for text, _ in given)])
    rows = reader.rows(
        "SELECT id, at, actor, actor_kind, address, action, subject, detail FROM audit_log "  # noqa: S608 (our own conditions)
        f"WHERE {where} ORDER BY id DESC LIMIT ?",
        (*(value for _, value in given), limit + 1),
    )
    entries = [_entry(row) for row in rows]
    following = entries[limit - 1].id if len(entries) > limit else None
    return AuditPage(entries=entries[:limit], next_before=following)


def _entry(row: Any) -> AuditEntry:
    number, at, actor, actor_kind, address, action, subject, detail = row
    return AuditEntry(
        id=number,
        at=moment_of(at),
        actor=actor,
        actor_kind=CallerKind(actor_kind),
        address=address,
        action=Action(action),
        subject=subject,
        detail=detail,
    )

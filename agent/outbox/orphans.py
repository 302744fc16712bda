"""Pictures of the folder that no row names: which may go. Knows no database, asks by message id."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from agent.outbox.ownership import LIST_NAME, is_sole_owner
from agent.outbox.spool import PictureSpool, message_id_of

log = structlog.get_logger(__name__)


def sweep_orphans(
    spool: PictureSpool, *, store: str, is_known: Callable[[str], bool], now: datetime
) -> int:
    """Removes pictures whose row a crash prevented, and half-written ones; returns how many.

    Where another store than `store` has used the folder too, only the half-written ones go: a
    picture without a row here may be one that waits there.
    """
    is_ours_alone = is_sole_owner(spool.folder, store)
    if not is_ours_alone:
        log.info(
            "pictures are swept only with their rows: another database, or one of ours that was "
            "set aside, has used their folder and may still name them",
            list=str(spool.folder / LIST_NAME),
        )
    removed = spool.sweep(is_known=is_known if is_ours_alone else _may_be_known, now=now)
    if removed:
        log.info("pictures without a row removed", count=removed)
    return removed


def has_strangers(spool: PictureSpool, *, is_known: Callable[[str], bool]) -> bool:
    """Whether finished pictures lie there that no row of this store names."""
    ids = (message_id_of(name) for name in spool.listing()[0])
    return not all(message_id and is_known(message_id) for message_id in ids)


def _may_be_known(message_id: str) -> bool:  # noqa: ARG001 - of any id
    """To another database."""
    return True

"""With whose rights a database is looked into.

Who owns a folder could lay links in it that lead root elsewhere, also by the names of SQLite's own
files beside a database. So root looks in there with that account's rights, as the scripts do
(`scripts/lib/installation.sh`).
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Account:
    """Numbers of a user and of its group."""

    user: int
    group: int


class Call(Protocol):
    """Calls a function of a module with values that can be pickled; raises what that raises."""

    def __call__(self, function: Callable[..., T], *arguments: object) -> T: ...


_NOBODY: Final = 65534
"""Linux's user and group that own nothing (`/proc/sys/kernel/overflowuid`)."""


def master_of(place: Path) -> Account | None:
    """Whose word counts there: the first on the way to it, from / on, that is not root, by the name
    and by where links lead; of a folder of root's that others may write too, nobody in their group.
    None where all of it is root's."""
    for way in (place.absolute(), Path(os.path.realpath(place))):  # resolve() raises at a loop
        for part in (*reversed(way.parents), way):
            try:
                facts = part.stat()
            except OSError:
                break
            if facts.st_uid != 0:
                return Account(facts.st_uid, facts.st_gid)
            if stat.S_ISDIR(facts.st_mode):
                others = _others(facts.st_mode, facts.st_gid, holds_it=part == way.parent)
                if others is not None:
                    return others
    return None


def _others(mode: int, group: int, *, holds_it: bool) -> Account | None:
    """Who but root may lay links in this folder of root's. Where it is sticky, as /tmp is, they
    cannot replace what is root's, so that only what lies in it directly is theirs to surround."""
    if mode & stat.S_ISVTX and not holds_it:
        return None
    if mode & stat.S_IWGRP and group != 0:
        return Account(_NOBODY, group)
    return Account(_NOBODY, _NOBODY) if mode & stat.S_IWOTH else None


def become(account: Account) -> None:
    """Root gives up its rights for those of this account, for good; raises OSError."""
    os.setgroups([])
    os.setresgid(account.group, account.group, account.group)
    os.setresuid(account.user, account.user, account.user)


@contextmanager
def rights_of_master(place: Path, *modules: str) -> Iterator[Call]:
    """What is called in here is done with the rights of whom `place` belongs to.

    For root in a process of its own, which loads `modules` before it gives up its rights; for
    everybody else, and where all is root's, in this one.
    """
    account = master_of(place) if os.geteuid() == 0 else None
    if account is None:
        yield _called_here
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        1, mp_context=context, initializer=_become, initargs=(account, modules)
    ) as beside:

        def called_there(function: Callable[..., T], *arguments: object) -> T:
            return beside.submit(function, *arguments).result()

        yield called_there


def _called_here(function: Callable[..., T], *arguments: object) -> T:
    return function(*arguments)


def _become(account: Account, modules: tuple[str, ...]) -> None:
    for name in modules:
        importlib.import_module(name)
    become(account)

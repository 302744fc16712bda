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
_MOST_LINKS: Final = 40
"""Linux follows no more of them on one way (path_resolution(7))."""


def master_of(place: Path) -> Account | None:
    """Whose word counts there: the first on the way to it, from / on and along each link, that is
    not root; of a folder of root's that others may write too, nobody in their group. None where
    all of it is root's. `master_of` of the scripts answers the same (one test holds both)."""
    here, rest, links = Path("/"), list(reversed(place.absolute().parts[1:])), 0
    while True:
        try:
            facts = here.lstat()
        except OSError:
            return None
        if facts.st_uid != 0:
            return Account(facts.st_uid, facts.st_gid)
        if stat.S_ISLNK(facts.st_mode):
            if (links := links + 1) > _MOST_LINKS:
                return None
            rest.extend(reversed(here.readlink().parts))
            here = here.parent
            continue
        if others := _others(here, facts, rest):
            return others
        if not rest:
            return None
        part = rest.pop()  # "/", the first of an absolute link, leads back to the root
        here = here.parent if part == ".." else here / part


def _others(here: Path, facts: os.stat_result, rest: list[str]) -> Account | None:
    """Who but root may lay links in this folder of root's. Where it is sticky, as /tmp is, they
    cannot replace what is root's, so that only what lies in it directly is theirs to surround."""
    if not stat.S_ISDIR(facts.st_mode):
        return None
    if facts.st_mode & stat.S_ISVTX and (len(rest) > 1 or (rest and _leads_on(here / rest[0]))):
        return None
    if facts.st_mode & stat.S_IWGRP and facts.st_gid != 0:
        return Account(_NOBODY, facts.st_gid)
    return Account(_NOBODY, _NOBODY) if facts.st_mode & stat.S_IWOTH else None


def _leads_on(place: Path) -> bool:
    return place.is_symlink() or place.is_dir()


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

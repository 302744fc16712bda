"""Root looks into an account's database with no more rights than that account has."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.outbox import inspection
from agent.outbox.inspection import write_fault
from agent.outbox.store import Outbox
from db.rights import Account, master_of, rights_of_master
from tests.agent.outbox.sightings import plate

ACCOUNT = 1234
as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="gives files to another account: run as root"
)


@pytest.fixture
def database() -> Iterator[Path]:
    """An account's, in a folder that it can reach."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        data = Path(name) / "data"
        with Outbox.open(data / "lpr_data.db", data / "images", "camera") as outbox:
            outbox.record(plate("KEPT111"))
        for path in (data, *data.rglob("*")):
            os.chown(path, ACCOUNT, ACCOUNT)
        yield data / "lpr_data.db"


@as_root
def test_whose_word_counts_is_told_by_the_way_to_a_place(database: Path) -> None:
    account = Account(ACCOUNT, ACCOUNT)
    assert master_of(Path("/usr/bin")) is None
    assert master_of(database) == account
    assert master_of(database.parent / "not" / "yet") == account
    link = database.parent.parent / "link"
    link.symlink_to(database)
    assert master_of(link) == account


@as_root
@pytest.mark.parametrize(
    ("mode", "group", "account"),
    [
        (0o755, ACCOUNT, None),
        (0o775, 0, None),
        (0o775, ACCOUNT, Account(65534, ACCOUNT)),
        (0o2775, ACCOUNT, Account(65534, ACCOUNT)),
        (0o777, 0, Account(65534, 65534)),
        (0o1777, 0, Account(65534, 65534)),
    ],
)
def test_roots_folder_that_others_may_write_is_theirs_too(
    database: Path, mode: int, group: int, account: Account | None
) -> None:
    for path in (database.parent, *database.parent.rglob("*")):
        os.chown(path, 0, 0)
    os.chown(database.parent, 0, group)
    database.parent.chmod(mode)
    assert master_of(database) == account
    is_sticky = mode == 0o1777  # what is root's in there stays root's
    assert master_of(database.parent / "images" / "1.jpg") == (None if is_sticky else account)


@as_root
def test_a_link_that_leads_to_itself_is_looked_at_as_any_other(database: Path) -> None:
    loop = database.parent.parent / "loop"
    loop.symlink_to(loop)
    assert master_of(loop / "lpr_data.db") is None
    loop = database.parent / "loop"
    loop.symlink_to(loop)
    assert master_of(loop) == Account(ACCOUNT, ACCOUNT)


@as_root
def test_root_opens_no_database_at_the_end_of_an_accounts_link(database: Path) -> None:
    roots = database.parent.parent / "roots.db"
    Path(shutil.move(database, roots)).chmod(0o600)
    os.chown(roots, 0, 0)
    database.symlink_to(roots)
    with rights_of_master(database, inspection.__name__) as call:
        assert call(os.geteuid) == ACCOUNT
        assert "cannot be used" in (call(write_fault, database) or "")
    assert os.geteuid() == 0
    assert write_fault(database) is None  # with root's rights it would


def test_where_there_is_nothing_to_give_up_it_is_called_here(tmp_path: Path) -> None:
    with rights_of_master(tmp_path) as call:
        assert call(os.getpid) == os.getpid()

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

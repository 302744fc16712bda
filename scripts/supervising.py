"""Keeps one program running where there is no service manager: what ends by itself, or says nothing
any more, is started anew.

Needs nothing beyond the standard library. It is to its program what systemd would be (the protocol
of sd_notify, with a watchdog), and hands on to whoever started it that the program is ready. A
program that ends before it was ever ready is not started anew: its exit code is handed on. How it
goes is kept in a file for `status`.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

AGAIN_S: Final = 5.0
"""Between an end and the next start, as the units have it."""
SILENT_S: Final = 60.0
"""Without a word for so long, a program that was ready hangs: `WatchdogSec` of the units."""
LOOK_S: Final = 0.5
SAID_EVERY_S: Final = 30.0
"""What the program says of itself is kept no more often, for the memory card's sake."""
SAID_MOST: Final = 400
"""Characters of it."""
CANNOT_START: Final = 127
"""The exit code, as shells have it."""
STDOUT: Final = 1
_PR_SET_PDEATHSIG: Final = 1


class Supervisor:
    """One program and the socket on which it says how it is."""

    def __init__(
        self,
        command: Sequence[str],
        notices: socket.socket,
        *,
        silent_s: float = SILENT_S,
        again_s: float = AGAIN_S,
        course: Path | None = None,
    ) -> None:
        """`course` is the file that says how it goes."""
        self._course = course
        self._restarts = 0
        self._end: dict[str, str | float] = {}
        self._says: dict[str, str | float] = {}
        self._command = command
        self._notices = notices
        self._silent_s = silent_s
        self._again_s = again_s
        self._outer = os.environ.get("NOTIFY_SOCKET")
        self._was_ready = False
        self._is_stopping = False
        self._process: subprocess.Popen[bytes] | None = None

    def stop(self, *_: object) -> None:
        """On a signal: the program ends in order, and with it this one."""
        self._is_stopping = True
        if self._process is not None:
            self._process.terminate()

    def run(self) -> int:
        """Until told to stop, or until the first start fails; the program's exit code."""
        while True:
            code = self._run_once()
            if self._is_stopping or not self._was_ready:
                return code if code >= 0 else 128 - code
            self._restarts += 1
            self._end = {"ended_with": end_of(code), "ended_at_s": time.time()}
            self._keep_course(is_ready=False)
            say(f"ERROR it ended with {end_of(code)} and is started again in {self._again_s:g} s")
            if self._told_to_stop_within(self._again_s):
                return 0

    def _told_to_stop_within(self, duration_s: float) -> bool:
        due_s = time.monotonic() + duration_s
        while (left_s := due_s - time.monotonic()) > 0 and not self._is_stopping:
            time.sleep(min(LOOK_S / 5, left_s))
        return self._is_stopping

    def _run_once(self) -> int:
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(self._notices.getsockname()),
            "WATCHDOG_USEC": str(round(self._silent_s * 1_000_000)),
        }
        try:
            process = subprocess.Popen(self._command, env=environment, preexec_fn=_die_with_parent)
        except (OSError, subprocess.SubprocessError) as error:
            say(f"ERROR it cannot be started: {error}")
            return CANNOT_START
        self._process = process
        if self._is_stopping:
            process.terminate()
        self._says = {}
        self._keep_course(is_ready=False, pid=process.pid)
        began_s = heard_s = time.monotonic()
        is_ready = False
        while process.poll() is None:
            if select.select([self._notices], [], [], LOOK_S)[0]:
                said = self._notices.recv(4096)
                heard_s = time.monotonic()
                is_kept = self._listened(said, began_s=began_s, heard_s=heard_s)
                if b"READY=1" in said:
                    is_ready = True
                    self._keep_course(is_ready=True, pid=process.pid)
                    self._hand_on()
                elif is_kept:
                    self._keep_course(is_ready=is_ready, pid=process.pid)
            elif is_ready and not self._is_stopping and time.monotonic() - heard_s > self._silent_s:
                say(f"ERROR it has said nothing for {self._silent_s:g} s and is killed")
                process.kill()
                is_ready = False
        return process.wait()

    def _listened(self, said: bytes, *, began_s: float, heard_s: float) -> bool:
        """Whether it said how it does, and that is to be kept: often at first."""
        text = status_in(said)
        kept_s = float(self._says.get("says_at_s", 0))
        if text is None or heard_s - kept_s < min(SAID_EVERY_S, (heard_s - began_s) / 4):
            return False
        self._says = {"says": text, "says_at_s": heard_s}
        return True

    def _keep_course(self, *, is_ready: bool, pid: int = 0) -> None:
        """`pid` is the program's own number; 0 where none runs."""
        if self._course is None:
            return
        said = {"restarts": self._restarts, "is_ready": is_ready, "pid": pid}
        text = json.dumps({**said, **self._end, **self._says})
        try:
            (fresh := self._course.with_suffix(".new-course")).write_text(text, "ascii")
            fresh.replace(self._course)
        except OSError as error:
            say(f"ERROR {self._course} cannot be written: {error}")

    def _hand_on(self) -> None:
        """To whoever started this, once; nobody may be there any more."""
        is_first, self._was_ready = not self._was_ready, True
        if not is_first or self._outer is None:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            try:
                line.sendto(b"READY=1", self._outer)
            except OSError:
                say("it is ready; nobody waits for it any more")


def status_in(said: bytes) -> str | None:
    """Of a message of sd_notify(3) what the program says of itself; None: nothing."""
    for line in reversed(said.decode("utf-8", errors="replace").splitlines()):
        if line.startswith("STATUS="):
            return line.removeprefix("STATUS=")[:SAID_MOST]
    return None


def end_of(exit_code: int) -> str:
    """How a process ended, by what `subprocess` has of it: a signal is a number below zero."""
    return f"exit code {exit_code}" if exit_code >= 0 else f"signal {-exit_code}"


def say(text: str) -> None:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with contextlib.suppress(OSError):  # a full disk stops no program
        os.write(STDOUT, f"{moment} {text}\n".encode())


def _die_with_parent() -> None:
    """In the child: killed when the supervisor is, however it dies (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--silent-s", type=float, default=SILENT_S, help="until it counts as hung")
    parser.add_argument("--again-s", type=float, default=AGAIN_S, help="until it is started anew")
    parser.add_argument("--course", type=Path, help="the file that says how it goes")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="sightpost-") as place,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices,
    ):
        notices.bind(str(Path(place) / "notify"))
        supervisor = Supervisor(
            given.command,
            notices,
            silent_s=given.silent_s,
            again_s=given.again_s,
            course=given.course,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, supervisor.stop)
        return supervisor.run()


if __name__ == "__main__":
    sys.exit(main())

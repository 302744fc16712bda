"""The programs of a demonstration as processes: how they are started, asked, and stopped."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from demo_places import DemoFailed

ROOT: Final = Path(__file__).resolve().parent.parent
START_S: Final = 60.0
STOP_S: Final = 15.0
_SETUP: Final = re.compile(r"/setup\?key=[\w-]+")


@dataclass(slots=True)
class Program:
    """A program as a process of its own, its output in a file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def tail(self, lines: int = 8) -> str:
        """The last lines that it wrote."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> int:
        """Asks it to end, insists after a while; its exit code."""
        if self.is_running:
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def kill(self) -> None:
        """As a power cut ends it: it is asked nothing."""
        self.process.kill()
        self.process.wait()


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    folder: Path,
    log: Path,
    settings: Mapping[str, str],
) -> Program:
    """In a session of its own, so that Ctrl-C reaches the demonstration alone. What it says is
    added to `log`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **settings}
    output: IO[bytes]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
    return Program(name=name, process=process, log=log)


def ours(program: str, *arguments: str) -> list[str]:
    """The command that runs `agent` or `server`."""
    return [sys.executable, "-m", program, *arguments]


def await_health(program: Program, port: int) -> None:
    """Until it answers; raises DemoFailed with its last words when it does not."""
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s:
        if not program.is_running:
            raise DemoFailed(f"the {program.name} did not start:\n{program.tail()}")
        if ask(port):
            return
        time.sleep(0.1)
    raise DemoFailed(f"the {program.name} did not answer in {START_S:.0f} s:\n{program.tail()}")


def ask(port: int) -> dict[str, Any]:
    """The program's `/health`, empty while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            found = json.load(answer)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def setup_path(program: Program) -> str | None:
    """Of the link that a server printed, on which the first administrator is made; None: none."""
    found = _SETUP.search(program.log.read_text(encoding="utf-8", errors="replace"))
    return None if found is None else found[0]


def ended(code: int) -> str:
    """How a program with that exit code ended."""
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def free_ports(*wanted: int) -> tuple[int, ...]:
    """The usual ports where they are free, others where not."""
    with ExitStack() as stack:
        return tuple(_claim(stack, port) for port in wanted)


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM and the closing of the terminal stop as Ctrl-C does."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    previous = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)


def _end_with_parent() -> None:
    """In the child: SIGTERM when this script dies, however it does (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _claim(stack: ExitStack, port: int) -> int:
    for candidate in (port, 0):
        claimed = stack.enter_context(socket.socket())
        claimed.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            claimed.bind(("127.0.0.1", candidate))
        except OSError:
            continue
        return int(claimed.getsockname()[1])
    raise DemoFailed("no free port on 127.0.0.1")

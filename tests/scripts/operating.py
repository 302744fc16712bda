"""Runs the operators' scripts on a data folder of their own, with the programs for real."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.scripts.checkout import ROOT, Checkout, Outcome

PROGRAMS = ("server", "agent", "sender")


@dataclass(frozen=True, slots=True)
class Operator:
    """A person in a terminal. `data` is where the programs keep everything."""

    data: Path

    def types(self, script: str, *arguments: str, **environment: str) -> Outcome:
        """Runs a script of this checkout, by the name that it has in the root or in scripts/."""
        return Checkout(ROOT).run(
            str(ROOT / script), *arguments,
            cwd=self.data, SIGHTPOST_DATA=str(self.data), **environment,
        )  # fmt: skip

    def writes_settings(self, **settings: str | int) -> None:
        """As the older system's file has them, with spaces around = and quotes."""
        lines = [f'{key} = "{value}"' for key, value in settings.items()]
        (self.data / ".env.production").write_text("\n".join(lines) + "\n", "utf-8")

    def pid_of(self, program: str) -> int | None:
        """From its pid file."""
        path = self.data / "run" / f"{program}.pid"
        return int(path.read_text("ascii").split()[0]) if path.exists() else None


@contextmanager
def operator(folder: Path) -> Iterator[Operator]:
    """Whatever its scripts left running is killed at the end."""
    data = folder / "the data"
    data.mkdir()
    made = Operator(data)
    try:
        yield made
    finally:
        for program in PROGRAMS:
            if pid := made.pid_of(program):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody used a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()

"""A real server as a process of its own, in a folder of its own, and what it costs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_ROOT: Final = Path(__file__).resolve().parents[1]
_ADDRESS: Final = re.compile(r"cameras=wss?://[^\s:]+:(\d+)")
_WEB_ADDRESS: Final = re.compile(r"web=https?://[^\s:]+:(\d+)")
_STOP_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Resident memory in bytes, now and at most, and processor seconds since the start."""

    memory_bytes: int
    peak_bytes: int
    cpu_s: float


class ServerProcess:
    """`python -m server run` on free ports of this machine while inside `with`."""

    def __init__(
        self, folder: Path, environ: Mapping[str, str] | None = None, name: str = "server.db"
    ) -> None:
        self.database = folder / name
        self.pictures = folder / "pictures"
        self.port = 0
        self.web_port = 0
        self._folder = folder
        self._environ = dict(environ or {})
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        process = self._process = subprocess.Popen(
            [sys.executable, "-m", "server", "run", "--port", "0", "--web-port", "0",
             "--db", str(self.database)],
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT), **self._environ},
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        output = process.stderr or ()
        said = []
        for line in output:
            said.append(line)
            if found := _ADDRESS.search(line):
                self.port = int(found[1])
                web = _WEB_ADDRESS.search(line)
                self.web_port = 0 if web is None else int(web[1])
                break
        else:
            raise RuntimeError("the server ended before it listened:\n" + "".join(said))
        self._reader = threading.Thread(
            target=_drain, args=(output,), name="server-log", daemon=True
        )
        self._reader.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self.is_up:
            self.stop()
        if self._reader is not None:
            self._reader.join()
        if self._process is not None and self._process.stderr is not None:
            self._process.stderr.close()

    @property
    def is_up(self) -> bool:
        """Whether the process is still the one that was started."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> int:
        """SIGTERM; the exit code, -9 where it had to be killed."""
        process = self._running
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def cost(self) -> Cost:
        return cost_of(self._running.pid)

    @property
    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("no server was started: use it with `with`")
        return self._process


def cost_of(process_id: int) -> Cost:
    """From proc(5): `status` and `stat`."""
    place = Path(f"/proc/{process_id}")
    status = dict(line.split(":", 1) for line in (place / "status").read_text("utf-8").splitlines())
    times = (place / "stat").read_text("utf-8").rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    return Cost(
        memory_bytes=int(status["VmRSS"].split()[0]) * 1024,
        peak_bytes=int(status["VmHWM"].split()[0]) * 1024,
        cpu_s=(int(times[11]) + int(times[12])) / ticks,
    )


def _drain(output: Iterable[str]) -> None:
    """A server whose log nobody reads would stand still."""
    for _ in output:
        pass

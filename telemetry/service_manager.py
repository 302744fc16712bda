"""Tells the service manager (systemd) how a program does; where there is none, does nothing.

The protocol of sd_notify(3): lines KEY=VALUE in a datagram to the socket that NOTIFY_SOCKET names.
Written out here since the package for it comes without a wheel, and is hardly longer.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

import structlog

REPORT_S: Final = 10.0
"""Between two reports, and less where the watchdog wants them sooner."""
REPORTS_A_DEADLINE: Final = 3
"""A report may be late, or lost, without the watchdog taking the program for hung."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A piece of work that has to go on: it has not moved for `still_s`, and may for `limit_s`."""

    name: str
    still_s: float
    limit_s: float


def stall_of(works: Iterable[Watched]) -> str | None:
    """Says what has not moved for too long; None while everything goes on."""
    stalls = [
        f"{work.name} has not moved for {work.still_s:.0f} s (at most {work.limit_s:.0f})"
        for work in works
        if work.still_s > work.limit_s
    ]
    return "; ".join(stalls) or None


class ServiceManager:
    """Never blocks and never raises: a manager that does not listen must not cost the work."""

    def __init__(self, address: str | None, *, watchdog_s: float | None = None) -> None:
        self._address = address
        self.watchdog_s = watchdog_s

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """What systemd told this process; its children are nobody that it waits for."""
        said = os.environ if environ is None else environ
        address = said.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return cls(None)
        is_meant = said.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        deadline_us = said.get("WATCHDOG_USEC", "")
        is_watched = is_meant and deadline_us.isdecimal() and int(deadline_us) > 0
        return cls(address, watchdog_s=int(deadline_us) / 1e6 if is_watched else None)

    @property
    def is_there(self) -> bool:
        return self._address is not None

    def ready(self) -> None:
        self._send("READY=1")

    def status(self, text: str) -> None:
        """One line that `systemctl status` shows."""
        self._send(f"STATUS={' '.join(text.split())}")

    def alive(self) -> None:
        """Says that the work goes on; without it systemd restarts the program in `watchdog_s`."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as line:
                line.sendto(message.encode(), address)
        except OSError as error:
            log.debug("the service manager was not told", said=message, error=str(error))


async def report(
    manager: ServiceManager,
    *,
    status: Callable[[], str],
    works: Callable[[], Iterable[Watched]],
    stop: asyncio.Event,
) -> None:
    """Says that the program is ready, then again and again how it does, until `stop`.

    Runs on the program's event loop, so a loop that hangs is seen too. Both calls are made there
    and must not block. Work that has not moved for too long is logged, once, and from then on the
    watchdog is told nothing until it moves again.
    """
    if not manager.is_there:
        return
    manager.ready()
    seen: str | None = None
    deadline_s = manager.watchdog_s or REPORT_S * REPORTS_A_DEADLINE
    while not stop.is_set():
        stall = stall_of(works())
        manager.status(stall or status())
        if stall is None:
            manager.alive()
        elif seen is None:
            log.error("no longer telling the watchdog that all is well", why=stall)
        seen = stall
        try:
            await asyncio.wait_for(stop.wait(), min(REPORT_S, deadline_s / REPORTS_A_DEADLINE))
        except TimeoutError:
            continue
    manager.stopping()

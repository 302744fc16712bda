"""What the service manager's watchdog watches in the agent, and the line that it shows. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from telemetry.service_manager import Watched

WATCHING_LIMIT_S: Final = 90.0
"""The loop that looks comes round every half second, also while the camera gives nothing; a frame
takes a second or two on a small machine, storing on a full disk some more."""
READING_DEADLINES: Final = 4
"""A reader that hangs is left after one of them, another one is given two to load and one to read;
no earlier is the loop itself to blame."""
SENDING_LIMIT_S: Final = 180.0
"""The sender's database calls are short; waiting for another program's lock takes part of this."""


def works_of(
    *,
    watching_s: float | None,
    sending_s: float | None,
    watching_limit_s: float = WATCHING_LIMIT_S,
    given_up: Iterable[str] = (),
) -> tuple[Watched, ...]:
    """What has to go on, each with how long it has not moved; None: not done by this process.

    A dead camera and a dead line are not among them: they are waited for, and a restart would
    only end what still works. `given_up` are parts that hang, for which all else was tried.
    """
    works = []
    if watching_s is not None:
        works.append(Watched(name="watching", still_s=watching_s, limit_s=watching_limit_s))
    if sending_s is not None:
        works.append(Watched(name="sending", still_s=sending_s, limit_s=SENDING_LIMIT_S))
    works += [Watched(name=name, still_s=math.inf, limit_s=0.0) for name in given_up]
    return tuple(works)


def status_line(
    *, source: str | None, fps: float = 0.0, link_state: str | None, waiting: int | None
) -> str:
    """For `systemctl status`; None: not done by this process."""
    said = []
    if source is not None:
        said.append(f"watching {source}, {fps:.1f} frames/s")
    if link_state is not None:
        said.append(f"link {link_state}, {waiting or 0} rows wait")
    return "; ".join(said)

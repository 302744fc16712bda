"""How long the server waits for a peer. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds for each step of a greeting, and rules for what comes after.

    `silent_s` without any byte, pongs included: the line is dead. An unfinished message (or HTTP
    request) must grow by `slow_bytes` in each `slow_s`. While the memory budget is used up, an
    unfinished message that is still read must grow within `stalled_s` and be whole within
    `short_s`. A peer that takes no answers for `deaf_s` is gone.
    Changes of watchlists that come within `lists_s` are told to a camera together.
    """

    tls_s: float = 10.0
    handshake_s: float = 10.0
    hello_s: float = 10.0
    silent_s: float = 50.0
    slow_s: float = 60.0
    slow_bytes: int = 4_096
    stalled_s: float = 2.0
    short_s: float = 20.0
    deaf_s: float = 60.0
    lists_s: float = 2.0

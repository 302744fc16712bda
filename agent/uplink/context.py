"""What an exchange works with, whichever it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from agent.uplink.pacing import Pace
from agent.uplink.patience import Patience
from agent.uplink.progress import Progress
from agent.uplink.settings import UplinkSettings
from agent.uplink.trail import Trail
from agent.uplink.worker import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeContext:
    """`now_s` is monotonic, `random` gives 0..1, `wake` is set when rows were committed.

    `until_empty`: the exchange ends by itself when nothing is left that it could send now.
    """

    worker: Worker
    settings: UplinkSettings
    progress: Progress
    wake: asyncio.Event
    now_s: Callable[[], float]
    random: Callable[[], float]
    until_empty: bool
    patience: Patience
    pace: Pace
    trail: Trail

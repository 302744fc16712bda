"""How long to wait before a broken source is opened again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """Delays double from `first_s` to `longest_s`; after `healthy_s` of frames they start anew.

    `read_timeout_s` is how long a source may give no frame before it counts as hanging.
    """

    first_s: float = 0.5
    longest_s: float = 30.0
    healthy_s: float = 10.0
    read_timeout_s: float = 10.0


def restart_delay_s(policy: RestartPolicy, attempt: int, chance: float) -> float:
    """Seconds before restart number `attempt` (from 0) in a row; `chance` is 0..1, uniform.

    Half of the delay is fixed and half is jitter, so that cameras on one failed switch do not
    come back in step and none comes back at once.
    """
    ceiling = min(policy.longest_s, policy.first_s * 2.0 ** min(attempt, 30))
    return ceiling * (0.5 + 0.5 * chance)

"""What can be set on the way to the server, and who we say we are. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkSettings:
    """`url` is `ws://HOST:PORT/` or `wss://HOST:PORT/`; the token shows in no repr.

    `max_bytes_s` caps what is sent, 0 does not.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    allow_plaintext: bool = False
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    check_interval_s: float = 5.0
    backoff_max_s: float = 60.0
    classic_retry_hours: float = 24.0
    open_timeout_s: float = 30.0
    answer_timeout_s: float = 30.0
    ping_interval_s: float = 10.0
    dead_after_s: float = 30.0
    stop_grace_s: float = 2.0
    max_bytes_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who sends; the device id itself stands in the database (`StoreIdentity`)."""

    hostname: str
    checkpoint_id: str
    agent_version: str

"""A connection to the first of several addresses that answers, in the time of an attempt."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from typing import Any, Final

from server.channels.attempt import Attempt

PATIENCE_S: Final = 10.0
"""For an address, and for a whole answer."""

Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
"""As `socket.getaddrinfo` gives it."""


def connected(
    found: Sequence[Found],
    host: str,
    attempt: Attempt,
    *,
    tls: ssl.SSLContext | None,
    patience_s: float,
) -> socket.socket:
    """Encrypted with `tls`, by which `host` has to be who it says. Addresses that do not answer
    share the time that is left. Raises OSError."""
    trouble: OSError | None = None
    for number, (family, kind, protocol, _, where) in enumerate(found):
        timeout_s = attempt.left_s(patience_s, of=len(found) - number)
        line = None
        try:
            line = socket.socket(family, kind, protocol)  # fails where this machine has no IPv6
            line.settimeout(timeout_s)
            attempt.holds(line)
            line.connect(where)
            if tls is not None:
                line = tls.wrap_socket(line, server_hostname=host)
                attempt.holds(line)
            line.settimeout(patience_s)
        except OSError as error:
            if line is not None:
                line.close()
            trouble = error
            continue
        return line
    raise trouble or OSError(f"{host} has no address")

"""One HTTP POST to elsewhere. Blocking; follows no redirect and no proxy of the environment."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from server.channels.attempt import Attempt
from server.channels.connecting import PATIENCE_S, Found, connected
from server.channels.contract import NotDelivered
from server.channels.reachable import may_reach
from server.errors import QuestionInvalid
from server.peer import Network

_ANSWER_BYTES: Final = 4096
_SCHEMES: Final = {"http": 80, "https": 443}
_LONGEST_LABEL: Final = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a POST goes, as an address says it."""

    is_encrypted: bool
    host: str
    port: int
    path: str

    @property
    def shown(self) -> str:
        """Without what may be secret in its path."""
        return f"{self._name}:{self.port}"

    @property
    def named(self) -> str:
        """As the header `Host` names it (RFC 9110, section 7.2)."""
        is_usual = self.port == _SCHEMES["https" if self.is_encrypted else "http"]
        return self._name if is_usual else self.shown

    @property
    def _name(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def place_of(url: str) -> Place:
    """Raises QuestionInvalid."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _no_address(url) from None
    is_plain = url.isascii() and url.isprintable() and " " not in url and "@" not in parts.netloc
    if not is_plain or parts.scheme not in _SCHEMES or not _may_be_host(parts.hostname):
        raise _no_address(url)
    return Place(
        is_encrypted=parts.scheme == "https",
        host=parts.hostname or "",
        port=port or _SCHEMES[parts.scheme],
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )


def _may_be_host(name: str | None) -> bool:
    """No label of it is empty or longer than names have them (RFC 1035, section 2.3.4)."""
    return bool(name) and all(
        0 < len(label) <= _LONGEST_LABEL for label in (name or "").removesuffix(".").split(".")
    )


class Poster:
    """`allowed` are networks beyond the public one that may be reached; `trusted` is what vouches
    for certificates."""

    def __init__(
        self,
        allowed: Sequence[Network],
        trusted: ssl.SSLContext | None = None,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._allowed = tuple(allowed)
        self._patience_s = patience_s
        self._trusted = trusted or ssl.create_default_context()

    def refuse_inside(self, place: Place) -> None:
        """Looks up no name: one that leads inside is refused when it is tried. Raises
        QuestionInvalid."""
        try:
            found = _addresses(place, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            return
        if not self._reachable(found):
            raise QuestionInvalid(f"target: {_inside(place, found)}")

    def post(self, place: Place, body: bytes, headers: Mapping[str, str], attempt: Attempt) -> None:
        """Returns where the answer is a 2xx. Raises NotDelivered."""
        connection = http.client.HTTPConnection(place.host, place.port)
        try:
            connection.sock = self._connected(place, attempt)
            attempt.begin()
            with cut_off(connection.sock, after_s=self._patience_s):
                connection.request("POST", place.path, body, {"Host": place.named, **headers})
                answer = connection.getresponse()
                if 200 <= answer.status < 300:
                    return  # taken, whatever becomes of the rest of the answer
                said = answer.read(_ANSWER_BYTES)
        except (OSError, UnicodeError, http.client.HTTPException) as error:
            # UnicodeError: a name that cannot be one
            reason = str(error) or type(error).__name__
            raise NotDelivered(f"{place.shown} does not answer: {reason}") from error
        finally:
            connection.close()
        text = said.decode("utf-8", "replace")
        raise NotDelivered(f"{place.shown} answered {answer.status}: {text}")

    def _connected(self, place: Place, attempt: Attempt) -> socket.socket:
        """To the first address that may be reached and answers: the one that was judged."""
        found = _addresses(place)
        reachable = self._reachable(found)
        if not reachable:
            raise NotDelivered(_inside(place, found))
        tls = self._trusted if place.is_encrypted else None
        return connected(reachable, place.host, attempt, tls=tls, patience_s=self._patience_s)

    def _reachable(self, found: Sequence[Found]) -> list[Found]:
        return [
            each for each in found if may_reach(ipaddress.ip_address(each[4][0]), self._allowed)
        ]


def _addresses(place: Place, *, flags: int = 0) -> Sequence[Found]:
    """Raises OSError, and UnicodeError of what cannot be a name. `localhost` is nobody's name but
    this machine's (RFC 6761, section 6.3)."""
    is_here = place.host.rstrip(".").rpartition(".")[2] == "localhost"
    host = "127.0.0.1" if is_here and flags & socket.AI_NUMERICHOST else place.host
    return socket.getaddrinfo(host, place.port, type=socket.SOCK_STREAM, flags=flags)


def _inside(place: Place, found: Sequence[Found]) -> str:
    addresses = [str(each[4][0]) for each in found]
    shown = place.host if place.host in addresses else f"{place.host}, {', '.join(addresses)},"
    return f"{shown} is inside this network: allow it with SERVER_WEBHOOK_NETWORKS={addresses[0]}"


@contextlib.contextmanager
def cut_off(line: socket.socket, *, after_s: float) -> Iterator[None]:
    """Whatever waits for the other side then, ends: who answers byte by byte keeps no thread."""

    def cut() -> None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(line, socket.SHUT_RDWR)  # below TLS, which has another thread

    timer = threading.Timer(after_s, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _no_address(url: str) -> QuestionInvalid:
    return QuestionInvalid(
        f"target={url[:80]!r}: expected an address such as https://example.org/alerts, without a "
        "user name"
    )

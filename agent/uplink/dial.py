"""Makes the connection, and names what went wrong with it."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
)
from websockets.http11 import Response
from websockets.typing import Subprotocol

from agent.errors import AddressRefused
from agent.uplink.link import LinkFailed, LinkFailure
from agent.uplink.settings import UplinkSettings
from wire.v1 import SUBPROTOCOL

ANSWER_BYTES: Final = 8 * 1024 * 1024
WRITE_LIMIT_BYTES: Final = 131_072
CLOSE_TIMEOUT_S: Final = 1.0
REASON_CHARACTERS: Final = 200

_BY_STATUS: Final = {
    401: LinkFailure.UNAUTHORIZED,
    403: LinkFailure.FORBIDDEN,
    404: LinkFailure.NOT_FOUND,
    429: LinkFailure.SERVER_ERROR,
}
_POLICY_VIOLATION: Final = 1008
_RESTART: Final = frozenset({1012, 1013})
_BROKEN: Final = (
    OSError,
    InvalidHandshake,
    InvalidURI,
    ConnectionClosed,
    EOFError,
    UnicodeError,  # of a name that is none
)
_BROKEN_BY_A_ROW: Final = frozenset({1009, 1011})


def check_address(settings: UplinkSettings) -> None:
    """Raises AddressRefused where the token or rows would cross a network in the clear."""
    parts = urlsplit(settings.url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise AddressRefused(
            f"WEBSOCKET_SERVER_URL={settings.url}: expected ws://HOST:PORT/ or wss://HOST:PORT/"
        )
    if parts.scheme == "ws" and not settings.allow_plaintext and not is_loopback(parts.hostname):
        raise AddressRefused(
            f"WEBSOCKET_SERVER_URL={settings.url}: ws:// beyond this machine sends plates and the "
            "token readable to all; write wss://, or UPLINK_ALLOW_PLAINTEXT=true inside a VPN"
        )


def is_loopback(host: str) -> bool:
    """Whether the name or address stays on this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def dial(settings: UplinkSettings, *, agent_version: str) -> ClientConnection:
    """An open connection that has offered `sightpost.v1`; raises LinkFailed."""
    log = logging.getLogger("sightpost.websockets")
    log.setLevel(logging.INFO)  # at debug level it would log the token's header
    headers = {"Authorization": f"Bearer {settings.token}"} if settings.token else None
    try:
        return await _NoRedirects(
            settings.url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            additional_headers=headers,
            user_agent_header=f"Sightpost/{agent_version}",
            proxy=None,
            open_timeout=settings.open_timeout_s,
            ping_interval=None,  # liveness.py decides, a slow line is not a dead one
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=ANSWER_BYTES,
            write_limit=WRITE_LIMIT_BYTES,
            logger=log,
            ssl=_tls(settings),
        )
    except ConnectionError as error:  # once TLS is spoken it comes wrapped
        failure = failure_of(error)
        if settings.url.startswith("wss:") and failure.failure is LinkFailure.RESET:
            failure = LinkFailed(LinkFailure.NO_TLS, "cut off when TLS began")
        raise failure from error
    except _BROKEN as error:
        raise failure_of(error) from error


def failure_of(error: BaseException) -> LinkFailed:
    """What a broken attempt or connection is called."""
    match error:
        case InvalidStatus():
            return _status_failure(error)
        case ConnectionClosed():
            return _closed_failure(error)
        case ssl.SSLError():
            no_tls = error.reason == "WRONG_VERSION_NUMBER"
            failure = LinkFailure.NO_TLS if no_tls else LinkFailure.TLS
            return LinkFailed(failure, f"TLS failed ({error})")
        case socket.gaierror():
            return LinkFailed(LinkFailure.DNS, f"the name cannot be resolved ({error.strerror})")
        case UnicodeError():
            return LinkFailed(LinkFailure.DNS, f"the name cannot be resolved ({error})")
        case TimeoutError():
            return LinkFailed(LinkFailure.TIMEOUT, "timed out")
        case ConnectionError() | EOFError():
            return _cut(error)
        case OSError():
            return _network_failure(error)
        case _:
            if isinstance(error.__cause__, ConnectionError | EOFError):
                return _cut(error.__cause__)
            return LinkFailed(LinkFailure.PROTOCOL, f"no WebSocket answers ({error})")


def reason_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What ended the connection, among what its tasks raised; the group where it is our fault."""
    leaves: list[BaseException] = []
    pending: list[BaseException] = [group]
    while pending:
        error = pending.pop()
        if isinstance(error, BaseExceptionGroup):
            pending.extend(error.exceptions)
        else:
            leaves.append(error)
    if not all(isinstance(leaf, LinkFailed | ConnectionClosed) for leaf in leaves):
        return group
    failures = [leaf for leaf in leaves if isinstance(leaf, LinkFailed)]
    return failures[0] if failures else failure_of(leaves[0])


def _cut(error: BaseException) -> LinkFailed:
    if isinstance(error, ConnectionRefusedError):
        return LinkFailed(LinkFailure.REFUSED, "connection refused")
    return LinkFailed(LinkFailure.RESET, "cut off")


def _network_failure(error: OSError) -> LinkFailed:
    if "Connect call failed" in str(error) and "[Errno 111]" in str(error):
        # asyncio tried several addresses and folds their errors into one.
        return LinkFailed(LinkFailure.REFUSED, "connection refused")
    return LinkFailed(LinkFailure.UNREACHABLE, f"cannot connect ({error.strerror or error})")


def _status_failure(error: InvalidStatus) -> LinkFailed:
    status = error.response.status_code
    retry_after = error.response.headers.get("Retry-After", "")
    reason = _reason_in(error.response)
    failure = _BY_STATUS.get(
        status, LinkFailure.SERVER_ERROR if status >= 500 else LinkFailure.PROTOCOL
    )
    if failure is LinkFailure.FORBIDDEN and not error.response.body:
        failure = LinkFailure.PAGES  # the ingest gives its reason, a page port has nothing to say
    return LinkFailed(
        failure,
        f"the server answered HTTP {status}{reason}",
        retry_after_s=float(retry_after) if retry_after.isdecimal() else None,
    )


def _reason_in(response: Response) -> str:
    """What an ingest says of a refusal, after a colon; nothing where it is no line of text."""
    if not response.headers.get("Content-Type", "").startswith("text/plain"):
        return ""
    text = (response.body or b"").decode(errors="replace").strip()
    return f": {text}" if text.isprintable() and 0 < len(text) <= REASON_CHARACTERS else ""


def _closed_failure(error: ConnectionClosed) -> LinkFailed:
    close = error.rcvd
    if close is None:
        return LinkFailed(LinkFailure.RESET, "cut off")
    said = f"closed with {close.code}" + (f": {close.reason}" if close.reason else "")
    if close.code in _RESTART:
        return LinkFailed(LinkFailure.SERVER_ERROR, said)
    if close.code == _POLICY_VIOLATION:
        return LinkFailed(LinkFailure.FORBIDDEN, said)
    return LinkFailed(LinkFailure.CLOSED, said, blames_rows=close.code in _BROKEN_BY_A_ROW)


def _tls(settings: UplinkSettings) -> ssl.SSLContext | None:
    if not settings.url.startswith("wss:"):
        return None
    try:
        context = ssl.create_default_context(
            cafile=str(settings.ca_file) if settings.ca_file else None
        )
    except OSError as error:
        raise LinkFailed(
            LinkFailure.CERTIFICATE,
            f"UPLINK_CA_FILE={settings.ca_file} cannot be read as PEM certificates ({error})",
        ) from error
    if settings.client_cert is not None:
        _show_certificate(context, settings.client_cert, settings.client_key)
    return context


def _show_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise LinkFailed(
            LinkFailure.CERTIFICATE,
            f"UPLINK_CLIENT_CERT={certificate} with UPLINK_CLIENT_KEY={key or ''} cannot be used "
            f"({error})",
        ) from error


class _NoRedirects(connect):
    """Goes where it was told: the token is for that server alone."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def abort(connection: ClientConnection) -> None:
    """Ends a connection whose peer does not answer, without waiting for it."""
    connection.transport.abort()
    await asyncio.shield(connection.wait_closed())

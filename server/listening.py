"""What the server listens on: bound sockets, and TLS for cameras and for browsers."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from guarding.origin import is_loopback
from server.config import ServerSettings
from server.errors import ConfigInvalid, StartRefused
from server.ingest.door import CountingContext
from server.role import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Openings:
    """A socket for cameras (None: this process takes no rows) and one for browsers, each with its
    TLS where it has one."""

    cameras: socket.socket | None
    browsers: socket.socket
    cameras_tls: ssl.SSLContext | None
    browsers_tls: ssl.SSLContext | None

    @property
    def cameras_port(self) -> int:
        """0 where none is taken."""
        return 0 if self.cameras is None else int(self.cameras.getsockname()[1])

    @property
    def browsers_port(self) -> int:
        return int(self.browsers.getsockname()[1])


@contextlib.contextmanager
def opened(
    settings: ServerSettings, role: Role = Role.ALL, *, shares_port: bool = False
) -> Iterator[Openings]:
    """Bound sockets. Raises ConfigInvalid, StartRefused."""
    cameras_tls, browsers_tls = tls_for_cameras(settings), tls_for_browsers(settings)
    with contextlib.ExitStack() as stack:
        cameras = None
        if role.takes_rows:
            cameras = stack.enter_context(
                listener_on(settings.host, settings.port, "SERVER_PORT", shared=shares_port)
            )
        browsers = stack.enter_context(
            listener_on(settings.web_host, settings.web_port, "SERVER_WEB_PORT")
        )
        yield Openings(
            cameras=cameras,
            browsers=browsers,
            cameras_tls=cameras_tls,
            browsers_tls=browsers_tls,
        )


def web_exposure_fault(*, host: str, has_tls: bool, allow_plaintext: bool) -> str | None:
    """Why browsers must not come over the network as things are, with what to write."""
    if is_loopback(host) or has_tls or allow_plaintext:
        return None
    return (
        f"SERVER_WEB_HOST={host} lets browsers in from the network, and passwords would come in "
        "clear text:\n"
        "  set SERVER_TLS_CERT=FILE and SERVER_TLS_KEY=FILE, "
        "or, inside a VPN, SERVER_ALLOW_PLAINTEXT=true\n"
        "  or let a proxy on this machine bring them: SERVER_WEB_HOST=127.0.0.1"
    )


def tls_for_cameras(settings: ServerSettings) -> ssl.SSLContext | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = CountingContext(ssl.PROTOCOL_TLS_SERVER)
    context.most = settings.max_connections
    _load(context, settings.tls_cert, settings.tls_key)
    if settings.tls_client_ca is not None:
        _demand_certificates(context, settings.tls_client_ca)
    return context


def tls_for_browsers(settings: ServerSettings) -> ssl.SSLContext | None:
    """The same certificate, where browsers come over the network; on loopback a proxy or a tunnel
    brings them, and encrypts where that is needed. Nobody needs a certificate of their own."""
    if settings.tls_cert is None or settings.tls_key is None or is_loopback(settings.web_host):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, settings.tls_cert, settings.tls_key)
    return context


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigInvalid(
            f"SERVER_TLS_CERT={certificate} with SERVER_TLS_KEY={key} cannot be used: {error}; "
            "write the paths of a PEM certificate chain and of its private key"
        ) from error


def _demand_certificates(context: ssl.SSLContext, authority: Path) -> None:
    """Who has no certificate of this authority does not get as far as the token."""
    try:
        context.load_verify_locations(authority)
    except (OSError, ssl.SSLError) as error:
        raise ConfigInvalid(
            f"SERVER_TLS_CLIENT_CA={authority} cannot be used: {error}; write the path of the PEM "
            "file of the authority that signed the cameras' certificates"
        ) from error
    context.verify_mode = ssl.CERT_REQUIRED


def listener_on(host: str, port: int, key: str, *, shared: bool = False) -> socket.socket:
    """A bound socket, so that a taken port is found before anything is touched.

    `shared`: other processes of this user may bind the same; the system deals connections out to
    those that listen.
    """
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = min(places)  # of localhost's two, the IPv4 one
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(address)
            listener.setblocking(False)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise StartRefused(
            f"cannot listen on {host} port {port}: {error.strerror or error}; stop what uses it, "
            f"or choose another, for example {key}={port + 1 if 0 < port < 65535 else 0}"
        ) from error
    return listener

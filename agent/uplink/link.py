"""The state of the way to the server: a table of transitions, and failures by name with advice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, StrEnum
from typing import Final

from agent.errors import UplinkError


class LinkState(StrEnum):
    """Where the link stands."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    GREETING = "greeting"
    OPEN = "open"
    BACKING_OFF = "backing off"
    STOPPED = "stopped"


TRANSITIONS: Final[dict[LinkState, frozenset[LinkState]]] = {
    LinkState.OFFLINE: frozenset({LinkState.CONNECTING, LinkState.STOPPED}),
    LinkState.CONNECTING: frozenset({LinkState.GREETING, LinkState.BACKING_OFF, LinkState.STOPPED}),
    LinkState.GREETING: frozenset({LinkState.OPEN, LinkState.BACKING_OFF, LinkState.STOPPED}),
    LinkState.OPEN: frozenset({LinkState.BACKING_OFF, LinkState.STOPPED}),
    LinkState.BACKING_OFF: frozenset({LinkState.CONNECTING, LinkState.STOPPED}),
    LinkState.STOPPED: frozenset({LinkState.CONNECTING, LinkState.OFFLINE}),
}


class LinkFailure(Enum):
    """Why there is no link; the value is what to do about it."""

    DNS = "the server's name is unknown: check WEBSOCKET_SERVER_URL and this network's DNS"
    REFUSED = "nothing listens there: start the server, or check the port in WEBSOCKET_SERVER_URL"
    UNREACHABLE = "no way to the server's network: check cable, modem and route"
    RESET = "the connection was cut: if it keeps happening, look at the server's log and the line"
    TIMEOUT = "no answer in time: check the line, and firewalls between here and the server"
    TLS = "the server's certificate is not trusted: check UPLINK_CA_FILE and this device's clock"
    NO_TLS = (
        "no TLS is spoken there: give the server a certificate (SERVER_TLS_CERT), or write ws:// "
        "inside a VPN"
    )
    CERTIFICATE = (
        "a certificate cannot be used: UPLINK_CA_FILE, UPLINK_CLIENT_CERT and UPLINK_CLIENT_KEY "
        "are to be PEM files, readable"
    )
    UNAUTHORIZED = (
        "no token, or none that the server knows: set AGENT_TOKEN to a new one of its (401)"
    )
    FORBIDDEN = "the token is not for this device: check AGENT_TOKEN and AGENT_DEVICE_ID (403)"
    PAGES = "those are a server's pages: rows go to its port for cameras, 8765 unless set otherwise"
    NOT_FOUND = "no ingest under this path: check the path in WEBSOCKET_SERVER_URL (404)"
    SERVER_ERROR = "the server has a fault or is starting: look at its log (5xx)"
    PROTOCOL = "what answers there is no Sightpost server, or a newer one: check the address"
    CLOSED = "the server closed the connection: its reason is shown"
    TAKEN = "another process sends from this database: stop it, or set AGENT_SENDER=separate"
    STORAGE = "this device's database cannot be read or written: check disk and permissions"

    @property
    def advice(self) -> str:
        return self.value

    @property
    def label(self) -> str:
        """Its name in status and logs: `dns`, `server_error`."""
        return self.name.lower()

    @property
    def needs_a_person(self) -> bool:
        """Whether it will be the same at the next attempt, until somebody changes a setting."""
        return self in (
            LinkFailure.CERTIFICATE,
            LinkFailure.UNAUTHORIZED,
            LinkFailure.FORBIDDEN,
            LinkFailure.PAGES,
            LinkFailure.NOT_FOUND,
        )


class LinkFailed(UplinkError):
    """The link could not be made or ended; `retry_after_s` is what the server asked for.

    `blames_rows`: a row in flight may well be why (close codes 1009 and 1011, or no answer).
    """

    def __init__(
        self,
        failure: LinkFailure,
        detail: str,
        *,
        retry_after_s: float | None = None,
        blames_rows: bool = False,
    ) -> None:
        super().__init__(f"{detail}: {failure.advice}")
        self.failure = failure
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.blames_rows = blames_rows


class ImpossibleTransition(UplinkError):
    """Our own code moved the link where it cannot go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStatus:
    """The link as others see it. `failure` is the last one, kept until the link is open again."""

    state: LinkState = LinkState.OFFLINE
    since: datetime
    failure: LinkFailure | None = None
    detail: str = ""
    retry_at: datetime | None = None

    @property
    def advice(self) -> str:
        """One sentence for people; empty while all is well."""
        if self.state is LinkState.STOPPED:  # whatever failed before: nothing is tried meanwhile
            return "an operator has stopped it: press Start at the page Sender"
        return self.failure.advice if self.failure else ""

    def as_status(self) -> dict[str, str | None]:
        """The same as plain JSON values, for `GET /health`."""
        return {
            "state": self.state,
            "failure": self.failure.label if self.failure else None,
            "detail": self.detail,
            "advice": self.advice,
            "retry_at": self.retry_at.isoformat() if self.retry_at else None,
        }

    @property
    def is_open(self) -> bool:
        return self.state is LinkState.OPEN

    def moved(self, state: LinkState, now: datetime) -> LinkStatus:
        """The status after a transition; raises ImpossibleTransition."""
        if state not in TRANSITIONS[self.state]:
            raise ImpossibleTransition(f"the link cannot go from {self.state} to {state}")
        if state is LinkState.OPEN:
            return LinkStatus(state=state, since=now)
        return LinkStatus(state=state, since=now, failure=self.failure, detail=self.detail)

    def taken(self, detail: str, now: datetime) -> LinkStatus:
        """The status while another process sends."""
        status = self if self.state is LinkState.OFFLINE else self.moved(LinkState.OFFLINE, now)
        return replace(status, failure=LinkFailure.TAKEN, detail=detail)

    def failed(self, error: LinkFailed, *, now: datetime, retry_at: datetime) -> LinkStatus:
        """The status while the next attempt is waited for."""
        status = self.moved(LinkState.BACKING_OFF, now)
        return LinkStatus(
            state=status.state,
            since=now,
            failure=error.failure,
            detail=error.detail,
            retry_at=retry_at,
        )

"""The ways in which an alert is told. Each is blocking, and returns when the other side took it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import smtplib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final, Literal, Protocol

from server.channels import wording
from server.channels.attempt import BEGUN_WITHIN_S, Attempt
from server.channels.connecting import PATIENCE_S, connected
from server.channels.contract import NotDelivered
from server.channels.posting import Poster, cut_off, place_of
from server.channels.wording import House
from server.errors import QuestionInvalid
from server.watchlist.contract import Alert

SIGNATURE: Final = "Sightpost-Signature"
TIMESTAMP: Final = "Sightpost-Timestamp"
KEY: Final = "Idempotency-Key"
MOST_RECIPIENTS: Final = 50
MAILING_S: Final = 60.0
"""From signing in to the end of a mail: whoever looks for viruses before he answers takes his time
(RFC 5321, section 4.5.3.2.6), and is sent it a second time where nobody waits for that."""

Encryption = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An alert on its way. `key` is the same for each attempt, `at_s` is now in Unix seconds.

    `picture` is a JPEG or PNG, None where there is none; `is_test`: somebody tries the channel.
    """

    alert: Alert
    key: str
    at_s: int
    picture: bytes | None = None
    is_test: bool = False


class Teller(Protocol):
    """One way."""

    wants_picture: bool

    def check(self, target: str) -> str:
        """The target in the form in which it is kept. Raises QuestionInvalid."""
        ...

    def tell(self, message: Message, target: str, secret: str, attempt: Attempt) -> str:
        """Begins the attempt before the other side may know. Returns what is to be said of it
        though it was taken, else ''. Raises NotDelivered, and ValueError, LookupError or TypeError
        of a library that does not take what it is given."""
        ...


class Webhook:
    """A POST of JSON, signed: hex HMAC-SHA256 of the timestamp, a dot and the body."""

    wants_picture = False

    def __init__(self, poster: Poster, house: House) -> None:
        self._poster = poster
        self._house = house

    def check(self, target: str) -> str:
        self._poster.refuse_inside(place_of(target))
        return target

    def tell(self, message: Message, target: str, secret: str, attempt: Attempt) -> str:
        body = wording.body(message.alert, self._house, is_test=message.is_test)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Sightpost",
            KEY: message.key,
            TIMESTAMP: str(message.at_s),
            SIGNATURE: f"v1={signature(secret, message.at_s, body)}",
        }
        self._poster.post(place_of(target), body, headers, attempt)
        return ""


def signature(secret: str, at_s: int, body: bytes) -> str:
    """What the receiver computes too, and compares."""
    signed = str(at_s).encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


class Ntfy:
    """A message to a topic (docs.ntfy.sh/publish, "Publish as JSON")."""

    wants_picture = False

    def __init__(self, poster: Poster, house: House) -> None:
        self._poster = poster
        self._house = house

    def check(self, target: str) -> str:
        self._poster.refuse_inside(place_of(target))
        if not target.partition("://")[2].rstrip("/").partition("/")[2]:
            raise QuestionInvalid(
                f"target={target[:80]!r}: expected a topic, such as https://ntfy.example.org/gate"
            )
        return target.rstrip("/")

    def tell(self, message: Message, target: str, secret: str, attempt: Attempt) -> str:
        root, _, topic = target.rpartition("/")
        said = {
            "topic": topic,
            "title": wording.title(message.alert, is_test=message.is_test),
            "message": wording.text(message.alert, self._house),
            "tags": ["test" if message.is_test else "rotating_light"],
            "priority": 3 if message.is_test else 4,
        }
        if link := self._house.link(message.alert):
            said["click"] = link
        headers = {"Content-Type": "application/json", KEY: message.key}
        if secret:
            headers["Authorization"] = f"Bearer {secret}"
        body = json.dumps(said, ensure_ascii=False).encode()
        self._poster.post(place_of(f"{root}/"), body, headers, attempt)
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Who takes mail, and in whose name; `host` '': nobody does. `user` '': without signing in."""

    host: str
    port: int
    user: str
    password: str
    sender: str
    encryption: Encryption


class Mail:
    """A mail with the picture."""

    wants_picture = True

    def __init__(self, server: MailServer, house: House, *, patience_s: float = PATIENCE_S) -> None:
        """`patience_s` is for each answer up to signing in."""
        self._server = server
        self._house = house
        self._patience_s = patience_s

    def check(self, target: str) -> str:
        if not self._server.host or not self._server.sender:
            raise QuestionInvalid(
                "kind=email: this server knows nobody who takes mail: write SERVER_SMTP_HOST=HOST "
                "and SERVER_SMTP_FROM=ADDRESS"
            )
        names = [part.strip() for part in target.split(",") if part.strip()]
        if not 1 <= len(names) <= MOST_RECIPIENTS:
            raise QuestionInvalid(f"target: expected 1 to {MOST_RECIPIENTS} mail addresses")
        return ", ".join(_address(name) for name in names)

    def tell(
        self,
        message: Message,
        target: str,
        secret: str,  # noqa: ARG002 (as others)
        attempt: Attempt,
    ) -> str:
        """Where only some have it, it is not sent again: those would get it a second time."""
        server = self._server
        refused: dict[str, tuple[int, bytes]] | None = None
        try:
            with self._line(attempt) as line:
                self._sign_in(line, attempt)
                attempt.begin()
                refused = self._sent(line, self._mail(message, target))
        except (OSError, smtplib.SMTPException) as error:
            if refused is None:  # else it was taken, and only the farewell went wrong
                reason = str(error) or type(error).__name__
                raise NotDelivered(
                    f"{server.host}:{server.port} did not take it: {reason}"
                ) from error
        return f"{server.host} does not take mail for {', '.join(refused)}" if refused else ""

    def _line(self, attempt: Attempt) -> smtplib.SMTP:
        """That was greeted."""
        server = self._server
        found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
        tls = ssl.create_default_context() if server.encryption == "tls" else None
        opened = connected(found, server.host, attempt, tls=tls, patience_s=self._patience_s)
        try:
            with cut_off(opened, after_s=attempt.left_s(BEGUN_WITHIN_S)):
                return _Line(opened, server, patience_s=self._patience_s)
        except (OSError, smtplib.SMTPException):
            opened.close()
            raise

    def _sign_in(self, line: smtplib.SMTP, attempt: Attempt) -> None:
        server = self._server
        if server.encryption == "starttls":
            with _bounded(line, attempt.left_s(BEGUN_WITHIN_S)):
                line.starttls(context=ssl.create_default_context())
            if line.sock is not None:
                attempt.holds(line.sock)
        if server.user:
            with _bounded(line, attempt.left_s(BEGUN_WITHIN_S)):
                line.login(server.user, server.password)

    def _sent(self, line: smtplib.SMTP, mail: EmailMessage) -> dict[str, tuple[int, bytes]]:
        """Who was refused."""
        with _bounded(line, MAILING_S) as sock:
            sock.settimeout(MAILING_S)
            return line.send_message(mail)

    def _mail(self, message: Message, target: str) -> EmailMessage:
        alert = message.alert
        mail = EmailMessage()
        mail["From"] = self._server.sender
        mail["To"] = target
        title = wording.title(alert, is_test=message.is_test)
        mail["Subject"] = title if message.is_test else f"Alert: {title}"
        mail["Date"] = format_datetime(alert.raised_at)
        mail["Message-ID"] = f"<{message.key}@{self._server.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(wording.text(alert, self._house) + "\n")
        if message.picture is not None:
            kind = "png" if message.picture.startswith(b"\x89PNG") else "jpeg"
            mail.add_attachment(
                message.picture, maintype="image", subtype=kind, filename=f"alert-{alert.id}.{kind}"
            )
        return mail


class _Line(smtplib.SMTP):
    """On a connection that is there: `smtplib` looks for one among all addresses without end.
    A farewell is waited for no longer than another answer."""

    def __init__(self, opened: socket.socket, server: MailServer, *, patience_s: float) -> None:
        self._opened = opened
        self._patience_s = patience_s
        super().__init__(server.host, server.port)

    def __exit__(self, *given: Any) -> None:
        with cut_off(self.sock or self._opened, after_s=self._patience_s):
            super().__exit__(*given)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002 (the library's)
        return self._opened


@contextlib.contextmanager
def _bounded(line: smtplib.SMTP, after_s: float) -> Iterator[socket.socket]:
    """The line is cut off then. A handshake has the socket's own patience."""
    if line.sock is None:
        raise smtplib.SMTPServerDisconnected("hung up")
    with cut_off(line.sock, after_s=after_s):
        yield line.sock


def _address(text: str) -> str:
    try:
        found = Address(addr_spec=text)
        is_whole = bool(found.username and found.domain and text.isprintable())
    except (ValueError, IndexError, AttributeError):
        is_whole = False
    except Exception as error:
        raise _no_address(text) from error
    if not is_whole:
        raise _no_address(text)
    return text


def _no_address(text: str) -> QuestionInvalid:
    return QuestionInvalid(
        f"target={text[:80]!r}: expected a mail address such as gate@example.org"
    )

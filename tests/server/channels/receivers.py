"""Real receivers of alerts on this machine: an HTTP and a mail server that note what came."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A request that came; header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class Receiver:
    """`answers` are given one after the other, then 204; `posts` came in that order.

    `waits_for`: what holds each answer up. `is_broken_off`: what follows the status of an answer is
    no HTTP."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    location: str = ""
    is_broken_off: bool = False
    posts: list[Post] = field(default_factory=list)
    waits_for: threading.Barrier | None = None
    came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def answer(self, post: Post) -> int:
        self.posts.append(post)
        status = self.answers.pop(0) if self.answers else 204
        self.came.release()
        if self.waits_for is not None:
            self.waits_for.wait()
        return status


@contextlib.contextmanager
def http_receiver(*answers: int, location: str = "") -> Iterator[Receiver]:
    """Answers with these statuses first; a redirect leads to `location`."""
    receiver = Receiver(answers=list(answers), location=location)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.answer(Post(path=self.path, headers=headers, body=body)))
            if receiver.location:
                self.send_header("Location", receiver.location)
            name, value = ("Content-Length", "0")
            if receiver.is_broken_off:
                name, value = ("Transfer-Encoding", "chunked")
            self.send_header(name, value)
            self.end_headers()
            if receiver.is_broken_off:
                self.wfile.write(b"no chunk\r\n")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
            """Nothing is to be said on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


@dataclass(slots=True, kw_only=True)
class Mailbox:
    """Mail that came to a server on `port`, which takes none for those who are `unknown`, and
    `thinks_s` about each that it has. `drips` is up to how many bytes come one by one before its
    farewell, `dripped` how many did."""

    port: int = 0
    unknown: set[str] = field(default_factory=set)
    thinks_s: float = 0.0
    drips: int = 0
    dripped: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 (the library's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.unknown:
            return "550 nobody is called so"
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (the library's name)
        content = envelope.content
        assert isinstance(content, bytes)
        mail = BytesParser(policy=default).parsebytes(content)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(list(envelope.rcpt_tos))
        await asyncio.sleep(self.thinks_s)
        return "250 taken"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (the library's name)
        while self.dripped < self.drips:
            server.transport.write(b"2")
            self.dripped += 1
            await asyncio.sleep(0.02)
        return "221 farewell"


@contextlib.asynccontextmanager
async def mail_receiver() -> AsyncIterator[Mailbox]:
    mailbox = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mailbox), "127.0.0.1", 0)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
        await server.wait_closed()

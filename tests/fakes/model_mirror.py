"""A model mirror on this machine that breaks off, fails or lacks ranges as it is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True)
class Mirror:
    """`files` by name below `url`. `cuts` are the bytes after which each answer breaks off; `asked`
    are the ranges that were asked for."""

    files: dict[str, bytes]
    url: str = ""
    status: int = 200
    knows_ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)


@contextmanager
def mirror_of(files: dict[str, bytes]) -> Iterator[Mirror]:
    """Serves on a free port until it is left."""
    mirror = Mirror(files=files)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(mirror)) as server:
        mirror.url = f"http://127.0.0.1:{server.server_port}/models"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield mirror
        finally:
            server.shutdown()
            thread.join(10)


def _handler(mirror: Mirror) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            mirror.asked.append(wanted)
            content = mirror.files.get(self.path.removeprefix("/models/"))
            if mirror.status != 200 or content is None:
                self.send_error(404 if mirror.status == 200 else mirror.status)
                return
            start = 0
            if wanted and mirror.knows_ranges:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                if start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206)
                last = len(content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{last + 1}")
            else:
                self.send_response(200)
            body = content[start:]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if mirror.cuts:
                body = body[: mirror.cuts.pop(0)]
                self.close_connection = True
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing: pytest shows what a test prints."""

    return Handler

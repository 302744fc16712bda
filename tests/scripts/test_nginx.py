"""The nginx sites: nginx accepts them, and hands on to the programs as it should."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.end_to_end.programs import wait_until
from tests.scripts.checkout import ROOT
from tests.scripts.operating import free_ports

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(NGINX is None, reason="needs the Debian package nginx-light"),
]


class Echo(BaseHTTPRequestHandler):
    """A program behind nginx, which says what reached it."""

    def do_GET(self) -> None:
        said = "\n".join(f"{name.lower()}: {value}" for name, value in self.headers.items())
        body = f"{self.path}\n{said}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:  # said on stderr otherwise
        pass


@contextmanager
def program_behind() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def takes_connections(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def configuration(folder: Path, role: str, *, port: int, behind: int) -> Path:
    """The site with these ports, below a main file that keeps to the folder."""
    site = (ROOT / "nginx" / f"sightpost-{role}.conf").read_text("utf-8")
    site = site.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("listen [::]:80;", "")
    site = site.replace(
        {"agent": "127.0.0.1:8000", "server": "127.0.0.1:8080"}[role], f"127.0.0.1:{behind}"
    )
    (folder / "site.conf").write_text(site)
    places = "\n".join(
        f"{kind}_temp_path {folder / kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "nginx.conf"
    main.write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{places}\ninclude {folder}/site.conf;\n}}\n"
    )
    return main


@pytest.mark.parametrize("role", ["agent", "server"])
def test_request_goes_through_with_the_address_of_who_asked(role: str, tmp_path: Path) -> None:
    [port] = free_ports(1)
    with program_behind() as behind:
        main = configuration(tmp_path, role, port=port, behind=behind)
        checked = subprocess.run(
            [str(NGINX), "-t", "-c", str(main)], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stderr
        running = subprocess.Popen([str(NGINX), "-c", str(main)], stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: takes_connections(port), what="nginx listens")
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            claims = {"X-Forwarded-For": "203.0.113.9", "Host": "camera.example"}
            line.request("GET", "/detection?page=2", headers=claims)
            path, *headers = line.getresponse().read().decode().splitlines()
            line.close()
        finally:
            running.terminate()
            running.wait(10)
    assert path == "/detection?page=2"
    assert "host: camera.example" in headers
    assert [line for line in headers if line.startswith("x-forwarded-for")] == [
        "x-forwarded-for: 127.0.0.1"
    ]

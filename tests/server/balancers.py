"""The real HAProxy and nginx before two replicas, configured as docs/scaling.md says."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from benchmarks.local_haproxy import DOCUMENT, HaproxyMissing, configuration, program
from tests.end_to_end.programs import wait_until
from tests.server.replicas import Replica

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
_AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""


def balancers(folder: Path, replicas: Sequence[Replica], ending: contextlib.ExitStack) -> list[int]:
    """The ports of those that are installed, until `ending` ends. Skips where there is none."""
    servers = (replicas[0].wait_until_it_listens(), replicas[1].wait_until_it_listens())
    ports = []
    with contextlib.suppress(HaproxyMissing):
        found = program()
        ports.append(_free_port())
        text = configuration(
            ports[-1], servers=servers, checks=(replicas[0].web_port, replicas[1].web_port)
        )
        place = folder / "haproxy.cfg"
        place.write_text(text, encoding="utf-8")
        _run([found, "-db", "-f", str(place)], ending)
    if NGINX is not None:
        ports.append(_free_port())
        place = folder / "nginx.conf"
        place.write_text(_nginx(folder, ports[-1], servers), encoding="utf-8")
        _run([NGINX, "-e", f"{folder}/nginx.log", "-c", str(place)], ending)
    if not ports:
        pytest.skip("neither haproxy nor nginx is installed: apt-get install haproxy nginx-light")
    for port in ports:
        wait_until(partial(_listens, port), what=f"a balancer on port {port}")
    return ports


def _nginx(folder: Path, port: int, servers: tuple[int, int]) -> str:
    (site,) = re.findall(r"```nginx\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    ours = {"listen 8765;": f"listen 127.0.0.1:{port};", "8771": servers[0], "8772": servers[1]}
    for documented, given in ours.items():
        site = site.replace(documented, str(given))
    return _AROUND.format(folder=folder, site=site)


def _run(command: Sequence[str], ending: contextlib.ExitStack) -> None:
    process = subprocess.Popen(command)
    ending.callback(process.wait, 10)
    ending.callback(process.terminate)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0

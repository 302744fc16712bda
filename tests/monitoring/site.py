"""A server and an agent at work, and a real Prometheus that scrapes both with what we ship."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from agent.outbox.durable import write_durably
from agent.web.password import PasswordFile
from server.storage.corrections import StoredCorrections
from server.storage.writing_thread import SqliteWriting
from tests.end_to_end.certificates import authority_in, signed_by
from tests.end_to_end.programs import Installation, installation, rows_of, wait_until
from tests.monitoring.shipped import FOLDER, PROMETHEUS, PROMTOOL
from tests.scripts.operating import free_ports

PASSWORD = "correct horse"
SERVER_JOB = "sightpost-server-service"
FIRMWARE = "#!/bin/sh\necho throttled=0x0\n"
"""Stands for a Raspberry Pi's `vcgencmd get_throttled`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """`port` is Prometheus' own."""

    place: Installation
    port: int

    def ask(self, path: str, **parameters: str) -> Any:
        """`data` of an answer of Prometheus' HTTP API."""
        query = urllib.parse.urlencode(parameters)
        address = f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            return json.load(answer)["data"]

    def values(self, expression: str) -> list[float]:
        """Of a query at this moment."""
        found = self.ask("query", query=expression)["result"]
        return [float(sample["value"][1]) for sample in found]

    def correct_a_reading(self) -> None:
        """As a person at the server's page would; waits for a reading."""
        database = self.place.server_database
        sql = "SELECT id FROM lpr_detections LIMIT 1"
        wait_until(lambda: bool(rows_of(database, sql)), what="a sighting at the server")
        writing = SqliteWriting(database, name="corrections")
        try:
            correcting = StoredCorrections(writing).correct
            asyncio.run(correcting(1, "CORRECTED", by="vera", now=datetime.now(UTC)))
        finally:
            writing.close()


@contextmanager
def watched_site(folder: Path) -> Iterator[Watched]:
    """Everything started, nothing waited for but that Prometheus answers."""
    agent_port, port = free_ports(2)
    firmware = folder / "bin" / "vcgencmd"
    firmware.parent.mkdir()
    firmware.write_text(FIRMWARE)
    firmware.chmod(0o755)
    authority = authority_in(folder, "authority")
    own = signed_by(authority, folder, "server")
    with installation(folder, AGENT_WEB_PORT=str(agent_port), SERVER_FACES="true") as place:
        place.settings |= {
            "PATH": f"{firmware.parent}:/usr/bin:/bin",
            "SERVER_TLS_CERT": str(own.certificate),
            "SERVER_TLS_KEY": str(own.key),
            "UPLINK_CA_FILE": str(authority.certificate),
            "WEBSOCKET_SERVER_URL": f"wss://127.0.0.1:{place.port}/",
        }
        PasswordFile.beside(place.agent_database).set(PASSWORD, write_durably)
        place.start_agent("synthetic:?seed=4")
        place.start_server()
        with _prometheus(place, port, agent_port) as process:
            site = Watched(place=place, port=port)
            wait_until(
                lambda: process.poll() is not None or _is_ready(port), what="Prometheus answers"
            )
            assert process.poll() is None, (folder / "prometheus.out").read_text("utf-8")
            yield site


@contextmanager
def _prometheus(
    place: Installation, port: int, agent_port: int
) -> Iterator[subprocess.Popen[bytes]]:
    folder = place.folder / "prometheus"
    server, agent = f"127.0.0.1:{place.web_port}", f"127.0.0.1:{agent_port}"
    _configure(folder, {SERVER_JOB: server, "prometheus-service": f"127.0.0.1:{port}"}, agent)
    _remember_yesterday(folder, server)
    with (place.folder / "prometheus.out").open("wb") as output:
        process = subprocess.Popen(
            [
                str(PROMETHEUS),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _configure(folder: Path, targets: dict[str, str], agent: str) -> None:
    """What we ship, with these addresses and a look a second."""
    (folder / "targets").mkdir(parents=True)
    (folder / "secrets").mkdir()
    shipped = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    shipped["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    shipped["alerting"] = {}
    for job in shipped["scrape_configs"]:
        job["scrape_timeout"] = "1s"
        if job["job_name"] in targets:
            job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(shipped))
    (folder / "alerts.yml").write_bytes((FOLDER / "alerts.yml").read_bytes())
    (folder / "secrets" / "agent-password").write_text(PASSWORD)
    (folder / "targets" / "cameras.yml").write_text(yaml.safe_dump([{"targets": [agent]}]))


def _remember_yesterday(folder: Path, server: str) -> None:
    """Thirty plates a minute, a day ago, as Prometheus would have stored them."""
    labels = f'job="{SERVER_JOB}",instance="{server}",table="lpr_detection"'
    now_s = int(time.time())
    lines = ["# TYPE sightpost_ingest_rows counter"]
    for minute in range(26 * 60, 23 * 60, -1):
        count = 30 * (26 * 60 - minute)
        at_s = now_s - 60 * minute
        lines.append(f"sightpost_ingest_rows_total{{{labels}}} {count} {at_s}")
    history = folder / "yesterday.txt"
    history.write_text("\n".join([*lines, "# EOF", ""]))
    subprocess.run(
        [str(PROMTOOL), "tsdb", "create-blocks-from", "openmetrics", history, folder / "data"],
        check=True,
        capture_output=True,
        timeout=30,
    )


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False

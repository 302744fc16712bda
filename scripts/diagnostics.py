"""Collects what a bug report needs into one archive, without secrets. Started by diagnostics.sh."""

from __future__ import annotations

import argparse
import functools
import io
import json
import os
import platform
import socket
import ssl
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

import apsw
from dotenv import dotenv_values

from agent.config import AgentSettings, load_settings
from db.rights import rights_of_master
from guarding.origin import is_loopback
from server.config import ServerSettings
from server.errors import ConfigInvalid
from settings.loading import ENV_FILES, Settings, SettingsInvalid, key_of
from settings.showing import shown
from telemetry.redaction import redacted, secrets_in
from telemetry.version import VERSION

COMMAND_S: Final = 60
LOG_BYTES: Final = 1_000_000
UNITS: Final = tuple(
    f"{name}.service"
    for name in ("sightpost-agent", "websocket-sender", "websocket-server", "sightpost-prune")
)
PRAGMAS: Final = ("user_version", "journal_mode", "auto_vacuum", "page_count", "freelist_count")
COMMANDS: Final = {
    "units.txt": ("systemctl", "status", "--no-pager", "--lines", "0", *UNITS),
    "unit-files.txt": ("systemctl", "cat", "--no-pager", *UNITS),
    "journal.txt": ("journalctl", "--no-pager", "-n", "2000", *(f"-u{unit}" for unit in UNITS)),
    "kernel.txt": ("dmesg", "--ctime", "--level", "emerg,alert,crit,err,warn"),
    "disk.txt": ("df", "--human-readable", "."),
    "folders.txt": ("ls", "-la", ".", "db", "log", "run"),
    "memory.txt": ("free", "--mebi"),
    "clock.txt": ("timedatectl", "status"),
    "throttling.txt": ("vcgencmd", "get_throttled"),
    "cameras.txt": ("libcamera-hello", "--list-cameras"),
    "accelerator.txt": ("hailortcli", "fw-control", "identify"),
    "check.txt": (sys.executable, "-m", "agent", "check"),
}  # fmt: skip
COUNTS: Final = {
    "camera": "SELECT '{0}', sent_to_server, count(*), min(timestamp), max(timestamp) "
    "FROM {0} GROUP BY 2",
    "server": "SELECT '{0}', '', count(*), min(received_at), max(received_at) FROM {0}",
}  # fmt: skip
TABLES: Final = {
    "camera": ("detection_results", "face_results", "health_checks", "evictions"),
    "server": ("lpr_detections", "face_detections", "health_monitors", "evictions"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, required=True, help="the folder of the archive")
    parser.add_argument("--with-plates", action="store_true", help="leave plates in the logs")
    given = parser.parse_args()
    name = f"sightpost-diagnostics-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    archive = given.to / f"{name}.tar.gz"
    secrets = secrets_in(written_settings())
    try:
        handle = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        print(f"ERROR {archive} cannot be written: {error}", file=sys.stderr)
        return 1
    with os.fdopen(handle, "wb") as output, tarfile.open(fileobj=output, mode="w:gz") as packed:
        for entry, text in collected():
            clean = redacted(text, secrets, with_plates=given.with_plates).encode()
            facts = tarfile.TarInfo(f"{name}/{entry}")
            facts.size, facts.mode = len(clean), 0o600
            packed.addfile(facts, io.BytesIO(clean))
    print(f"SUCCESS {archive}: look into it before you send it")
    return 0


def written_settings() -> dict[str, str]:
    """Every key that a file sets, known to the programs or not, and ours of the environment."""
    written = {key: os.environ[key] for key in settings_keys() if key in os.environ}
    for path in ENV_FILES:
        values = dotenv_values(path, interpolate=False)
        written.update({f"{path}:{key}": value for key, value in values.items() if value})
    return written


def settings_keys() -> set[str]:
    programs: tuple[type[Settings], ...] = (AgentSettings, ServerSettings)
    return {
        key_of(name, field) for program in programs for name, field in program.model_fields.items()
    }


def collected() -> Iterator[tuple[str, str]]:
    """Names and texts; what cannot be had says why instead. The commands run side by side."""
    with ThreadPoolExecutor(len(COMMANDS)) as beside:
        answers = {entry: beside.submit(said_by, what) for entry, what in COMMANDS.items()}
        yield from everything(answers)


def everything(answers: Mapping[str, Future[str]]) -> Iterator[tuple[str, str]]:
    """`answers` are those of the commands, which may still run."""
    tell("settings, databases and logs")
    yield "summary.txt", summary()
    agent, server = agent_settings(), server_settings()
    yield "settings-agent.txt", as_lines(agent) if isinstance(agent, AgentSettings) else agent
    yield "settings-server.txt", as_lines(server) if isinstance(server, ServerSettings) else server
    logs: set[Path] = set()
    if isinstance(agent, AgentSettings):
        yield "database-camera.txt", looked_into(agent.db_path, "camera")
        yield "health-agent.json", attempted(lambda: health(agent.web_host, agent.web_port))
        logs |= {agent.log_file, agent.sender_log_file}
    if isinstance(server, ServerSettings):
        yield "database-server.txt", looked_into(server.db_path, "server")
        yield "health-server.json", attempted(lambda: server_health(server))
        logs |= {path for path in (server.log_file,) if path is not None}
    starts = Path("log").glob("*.start.log")
    for path in sorted({*logs, *starts}):
        yield f"log/{path.name}", attempted(functools.partial(tail, path))
    yield "packages.txt", packages()
    for entry, answer in answers.items():
        tell(entry)
        yield entry, answer.result()


def packages() -> str:
    found = {f"{one.name}=={one.version}" for one in metadata.distributions()}
    return "".join(f"{line}\n" for line in sorted(found, key=str.lower))


def tell(what: str) -> None:
    """What is waited for, to the person who waits."""
    print(f"collecting {what} ...", file=sys.stderr, flush=True)


def summary() -> str:
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    uptime_s = attempted(lambda: Path("/proc/uptime").read_text().split()[0])
    model = attempted(lambda: Path("/proc/device-tree/model").read_text().strip("\0"))
    release = attempted(lambda: platform.freedesktop_os_release()["PRETTY_NAME"])
    lines = {
        "sightpost": VERSION,
        "made at": moment,
        "python": sys.version.split()[0],
        "sqlite": apsw.sqlite_lib_version(),
        "system": f"{release}, {platform.release()}, {platform.machine()}",
        "machine": model,
        "processors": str(os.cpu_count()),
        "uptime_s": uptime_s,
        "host": socket.gethostname(),
    }
    return as_lines_of(lines)


def agent_settings() -> AgentSettings | str:
    try:
        return load_settings()
    except SettingsInvalid as error:
        return f"the settings cannot be used: {error}\n"


def server_settings() -> ServerSettings | str:
    try:
        return ServerSettings.load()
    except ConfigInvalid as error:
        return f"the settings cannot be used: {error}\n"


def as_lines(settings: AgentSettings | ServerSettings) -> str:
    return as_lines_of(shown(settings))


def as_lines_of(values: dict[str, str]) -> str:
    return "".join(f"{key}={value}\n" for key, value in values.items())


def attempted(look: Callable[[], str]) -> str:
    """What it says, or why it cannot."""
    try:
        return look()
    except (OSError, ValueError, KeyError, apsw.Error) as error:
        return f"not to be had: {type(error).__name__}: {error}\n"


def looked_into(path: Path, kind: str) -> str:
    """With the rights of whom its folder belongs to."""
    with rights_of_master(path) as call:
        return attempted(lambda: call(database_facts, path, kind))


def database_facts(path: Path, kind: str) -> str:
    """Sizes, the schema's version, and how many rows there are of each state; no row itself."""
    if not path.exists():
        return f"there is no {path}\n"
    files = [Path(f"{path}{suffix}") for suffix in ("", "-wal", "-shm")]
    lines = [f"{file}: {file.stat().st_size} bytes" for file in files if file.exists()]
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        connection.set_busy_timeout(5_000)
        lines += [f"{pragma}: {connection.pragma(pragma)}" for pragma in PRAGMAS]
        for table in TABLES[kind]:
            try:
                found = list(connection.execute(COUNTS[kind].format(table)))
            except apsw.SQLError as error:
                found = [(table, str(error))]
            lines += [" ".join(str(value) for value in row) for row in found]
    finally:
        connection.close()
    return "\n".join(lines) + "\n"


def server_health(server: ServerSettings) -> str:
    """As a browser meets it: over TLS where the pages are reached over the network."""
    is_encrypted = server.tls_cert is not None and not is_loopback(server.web_host)
    return health(server.web_host, server.web_port, is_encrypted=is_encrypted)


def health(host: str, port: int, *, is_encrypted: bool = False) -> str:
    """What GET /health answers, without the newest sightings. Nothing secret is sent, so that the
    certificate, which need not name this address, is not asked about."""
    place = f"[{host}]" if ":" in host else {"0.0.0.0": "127.0.0.1"}.get(host, host)  # noqa: S104 (compared with)
    url = f"{'https' if is_encrypted else 'http'}://{place}:{port}/health"
    unasked = ssl.create_default_context()
    unasked.check_hostname, unasked.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(url, timeout=5, context=unasked) as answer:  # noqa: S310 (our own port)
        said = json.load(answer)
    said.pop("latest_sightings", None)
    return json.dumps(said, indent=2, ensure_ascii=False) + "\n"


def tail(path: Path) -> str:
    """Of a file, never of what a link leads to: root may read more than belongs into a report."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as log:
        log.seek(max(0, os.fstat(log.fileno()).st_size - LOG_BYTES))
        return log.read().decode("utf-8", errors="replace")


def said_by(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=COMMAND_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"not to be had: {error}\n"
    return f"$ {' '.join(command)}   (exit code {done.returncode})\n{done.stdout}{done.stderr}"


if __name__ == "__main__":
    sys.exit(main())

"""diagnostics.sh: what a bug report needs is in the archive, and no secret is."""

from __future__ import annotations

import os
import stat
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from agent.outbox.store import Outbox
from tests.agent.outbox.sightings import plate
from tests.scripts.operating import operator

ACCOUNT = 5678
TOKEN = "Zm9vYmFyYmF6cXV4-token_value"
PASSWORD = "p@ss:w/rd?1"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----"
SETTINGS = f"""
AGENT_TOKEN = "{TOKEN}"
AGENT_SOURCE = 'rtsp://viewer:hunter2hunter@127.0.0.1:9/live?pw=queryword'
SMTP_PASSWORD = '{PASSWORD}'
SECRET_KEY = "of another program"
"""


def lay_a_link_for_root(data: Path, roots: Path) -> None:
    """The data belong to another account, which would have root tell what root's database holds."""
    connection = apsw.Connection(str(roots))
    connection.execute("CREATE TABLE lpr_detections (received_at); PRAGMA user_version = 77")
    connection.close()
    roots.chmod(0o600)
    (data / "db" / "websocket_server.db").symlink_to(roots)
    for path in (data, *data.rglob("*")):
        os.chown(path, ACCOUNT, ACCOUNT, follow_symlinks=False)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that every account can reach."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_archive_has_what_is_needed_and_no_secret(folder: Path) -> None:
    with operator(folder) as person:
        (person.data / ".env.production").write_text(SETTINGS)
        log = person.data / "log" / "app.log"
        log.parent.mkdir()
        log.write_text(
            f"ERROR dialled with {TOKEN}\nINFO sighting stored  what='1กก 1234'  confidence=1.0\n"
            f"ERROR cannot log in as {PASSWORD}\nheader Authorization: Bearer abc.def.ghi\n{KEY}\n"
        )
        with Outbox.open(person.data / "db/lpr_data.db", person.data / "p", "camera") as outbox:
            outbox.record(plate("SECR3T9"))
        if os.geteuid() == 0:
            lay_a_link_for_root(person.data, folder / "roots.db")
        done = person.types("scripts/diagnostics.sh", "--to", str(folder))
    assert done.code == 0, done.said
    [archive] = folder.glob("sightpost-diagnostics-*.tar.gz")
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with tarfile.open(archive) as packed:
        texts = {
            entry.name.partition("/")[2]: (packed.extractfile(entry) or sys.stdin.buffer).read()
            for entry in packed
        }
    everything = b"\n".join(texts.values()).decode()
    for secret in (TOKEN, PASSWORD, "hunter2hunter", "queryword", "of another program"):
        assert secret not in everything, secret
    for secret in ("abc.def.ghi", "MIIEvQIBADANBg", "กก", "SECR3T9"):
        assert secret not in everything, secret
    assert b"AGENT_SOURCE=rtsp://***@127.0.0.1:9/live?***" in texts["settings-agent.txt"]
    assert b"detection_results 0 1 " in texts["database-camera.txt"]
    if os.geteuid() == 0:
        assert b"not to be had" in texts["database-server.txt"]
        assert b"user_version" not in texts["database-server.txt"]
    assert b"ERROR dialled with ***" in texts["log/app.log"]
    assert b"sqlite=3." in texts["summary.txt"]
    assert "journal.txt" in texts
    assert b"apsw==" in texts["packages.txt"]
    assert "collecting check.txt ..." in done.said

"""take_over.sh on an older installation, as it lies in the field, and back again."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.outbox.ends import asked
from tests.agent.outbox.older_camera import make_older_database
from tests.scripts.checkout import Checkout
from tests.scripts.image import Image, checkout_in

OLDER = "/home/cam/aicamera"
UNITS = "/etc/systemd/system"
OLDER_UNIT = f"""[Service]
User=cam
WorkingDirectory={OLDER}
ExecStart={OLDER}/venv/bin/python websocket_sender.py
[Install]
WantedBy=multi-user.target
"""
OLDER_DROP_IN = f"[Service]\nExecStart=\nExecStart={OLDER}/venv/bin/python other_sender.py\n"
OLDER_SETTINGS = f"""
WEBSOCKET_SERVER_URL = "ws://192.0.2.10:8765"
DB_PATH = '{OLDER}/db/lpr_data.db'
CHECKPOINT_ID = "1"
SECRET_KEY = 'it is $HOME; `reboot` "here"'
"""
CAM_ID = 1234

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="accounts are made by root: run as root"),
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("systemctl") is None, reason="needs the Debian package systemd"
    ),
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Builds its environment once, for all of these tests."""
    return Checkout(checkout_in(tmp_path_factory.mktemp("code")))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that other accounts get to, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def image(open_folder: Path, checkout: Checkout, quick_python: Path) -> Image:
    """A Raspberry Pi's home folder with the older system in it, its sender enabled."""
    image = Image.make(open_folder, quick_python, checkout)
    with image.at("/etc/passwd").open("a") as accounts:
        accounts.write(f"cam:x:{CAM_ID}:{CAM_ID}::/home/cam:/bin/bash\n")
    with image.at("/etc/group").open("a") as groups:
        groups.write(f"cam:x:{CAM_ID}:\n")
    older = image.at(OLDER)
    make_older_database(older / "db" / "lpr_data.db", older / "captured_images")
    (older / ".env.production").write_text(OLDER_SETTINGS.replace(OLDER, str(older)))
    (older / "run_websocket_sender.sh").write_text("echo the older one\n")
    unit = image.at(f"{UNITS}/websocket-sender.service")
    unit.write_text(OLDER_UNIT)
    drop_in = image.at(f"{UNITS}/{unit.name}.d") / "override.conf"
    drop_in.parent.mkdir()
    drop_in.write_text(OLDER_DROP_IN)
    wants = image.at(f"{UNITS}/multi-user.target.wants")
    wants.mkdir()
    (wants / unit.name).symlink_to(f"{UNITS}/{unit.name}")
    for path in (older, *older.rglob("*")):
        os.chown(path, CAM_ID, CAM_ID)
    return image


def rows(image: Image) -> list[tuple[str, int]]:
    sql = "SELECT license_plate_text, sent_to_server FROM detection_results ORDER BY id"
    return [(text, sent) for text, sent in asked(image.at(OLDER) / "db" / "lpr_data.db", sql)]


def test_dry_run_of_a_take_over_changes_nothing(image: Image) -> None:
    before = image.contents()
    done = image.runs("take_over.sh", "--allow-plaintext", "--dry-run", OLDER)
    assert done.code == 0, done.said
    assert "websocket-sender.service" in done.said
    assert "would keep in" in done.said
    assert image.contents() == before


def test_plain_text_line_is_not_taken_over_without_a_word(image: Image) -> None:
    before = image.contents()
    done = image.runs("take_over.sh", OLDER)
    assert done.code == 1
    assert "WEBSOCKET_SERVER_URL=ws://192.0.2.10:8765 sends plates readable to all" in done.said
    assert "--allow-plaintext" in done.said
    assert image.contents() == before


def test_database_in_use_is_left_alone(image: Image) -> None:
    before = image.contents()
    with (image.at(OLDER) / "db" / "lpr_data.db").open("rb"):
        done = image.runs("take_over.sh", "--allow-plaintext", OLDER)
    assert done.code == 1
    assert f"process {os.getpid()} still uses" in done.said
    assert image.contents() == before


def test_taken_over_in_place_and_given_back(image: Image) -> None:
    older = image.at(OLDER)
    before = rows(image)
    done = image.runs("take_over.sh", "--allow-plaintext", OLDER)
    assert done.code == 0, done.said

    assert image.enabled() == {"sightpost-agent.service"}
    older_drop_in = image.at(f"{UNITS}/websocket-sender.service.d/override.conf")
    assert not older_drop_in.exists()
    kept = older / "before-sightpost"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o750
    assert asked(kept / "lpr_data.db", "SELECT count(*) FROM detection_results") == [(6,)]
    kept_units = image.at("/var/backups/sightpost/units-of-home-cam-aicamera")
    assert (kept_units / "websocket-sender.service").read_text() == OLDER_UNIT
    assert stat.S_IMODE(kept_units.parent.stat().st_mode) == 0o700
    assert (kept / "captured_images" / "p1.jpg").samefile(older / "captured_images" / "p1.jpg")
    assert (older / ".env.production").read_text() == OLDER_SETTINGS.replace(OLDER, str(older))
    assert "UPLINK_ALLOW_PLAINTEXT=true" in (older / ".env").read_text()
    script = older / "run_websocket_sender.sh"
    assert script.readlink() == Path("/opt/sightpost/current/scripts/run_websocket_sender.sh")
    drop_in = image.at(f"{UNITS}/sightpost-agent.service.d/10-installation.conf").read_text()
    assert f"User=cam\nGroup=cam\nWorkingDirectory={OLDER}\n" in drop_in
    assert f"ProtectHome=tmpfs\nBindPaths={OLDER}\n" in drop_in
    database = (older / "db" / "lpr_data.db").stat()
    assert (database.st_uid, database.st_mode & 0o007) == (CAM_ID, 0)
    assert rows(image) == before

    again = image.runs("take_over.sh", "--allow-plaintext", OLDER)
    assert (again.code, "was taken over already" in again.said) == (1, True)
    purge = image.runs("install_all_services.sh", "--uninstall", "--purge")
    assert (purge.code, "taken over from an older system" in purge.said) == (1, True)

    leave_in_log(older / "db" / "lpr_data.db")
    undone = image.runs("take_over.sh", "--undo", "--restore-database", OLDER)
    assert undone.code == 0, undone.said
    assert image.enabled() == {"websocket-sender.service"}
    assert older_drop_in.read_text() == OLDER_DROP_IN
    assert image.at(f"{UNITS}/websocket-sender.service").read_text() == OLDER_UNIT
    assert script.read_text() == "echo the older one\n"
    assert not (older / ".env").exists()
    assert rows(image) == before
    [later] = (older / "db").glob("lpr_data.db.of-sightpost-*Z")
    assert asked(later, "SELECT min(sent_to_server) FROM detection_results") == [(1,)]
    in_the_log = "SELECT count(*) FROM detection_results WHERE license_plate_text = 'IN THE LOG'"
    assert asked(later, in_the_log) == [(1,)]
    assert not image.at("/opt/sightpost").exists()

    # As after an attempt that was cut off when the services were gone.
    [given_back] = older.glob("before-sightpost.undone-*")
    given_back.rename(kept)
    image.at(f"{UNITS}/websocket-sender.service").unlink()
    script.unlink()
    script.symlink_to("/opt/sightpost/current/scripts/run_websocket_sender.sh")
    undone = image.runs("take_over.sh", "--undo", OLDER)
    assert undone.code == 0, undone.said
    assert image.at(f"{UNITS}/websocket-sender.service").read_text() == OLDER_UNIT
    assert script.read_text() == "echo the older one\n"


def test_links_that_the_folders_owner_lays_lead_root_nowhere(image: Image) -> None:
    older = image.at(OLDER)
    done = image.runs("take_over.sh", "--allow-plaintext", OLDER)
    assert done.code == 0, done.said
    victim = image.at("/etc/victim")
    victim.write_text("root's\n")
    kept = older / "before-sightpost"
    for name in (".env.production", "run_websocket_sender.sh"):
        (older / name).unlink()
        (older / name).symlink_to(victim)
    (kept / "units").mkdir()
    (kept / "units" / "evil.service").write_text("[Service]\nExecStart=/evil\n")
    undone = image.runs("take_over.sh", "--undo", OLDER)
    assert undone.code == 0, undone.said
    assert victim.read_text() == "root's\n"
    assert (older / ".env.production").stat().st_uid == CAM_ID
    assert not image.at(f"{UNITS}/evil.service").exists()


def leave_in_log(database: Path) -> None:
    """Every row sent, and a new one, in the write-ahead log alone: of a program that was killed."""
    crashing = (
        "import apsw, os, sys\n"
        "database = apsw.Connection(sys.argv[1])\n"
        "database.pragma('journal_mode', 'wal')\n"
        'database.execute("UPDATE detection_results SET sent_to_server = 1")\n'
        'database.execute("INSERT INTO detection_results (frame_id, license_plate_text, "\n'
        "                 \"sent_to_server) VALUES ('in-log', 'IN THE LOG', 1)\")\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", crashing, str(database)], check=True)

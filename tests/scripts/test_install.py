"""install_all_services.sh, really run, into the file system of a machine in a folder."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.scripts.checkout import Checkout
from tests.scripts.image import Image, checkout_in

DATA = "/var/lib/sightpost"
UNITS = "/etc/systemd/system"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="accounts are made by root: run as root"),
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("systemctl") is None, reason="needs the Debian package systemd"
    ),
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """One that no test changes but by what it installs elsewhere."""
    folder = tmp_path_factory.mktemp("code")
    return Checkout(checkout_in(folder))


@pytest.fixture
def image(tmp_path: Path, checkout: Checkout, quick_python: Path) -> Image:
    return Image.make(tmp_path, quick_python, checkout)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def release(image: Image) -> str:
    return image.at("/opt/sightpost/current").readlink().name


def assert_installed(image: Image) -> None:
    assert image.enabled() == {
        "sightpost-agent.service",
        "websocket-server.service",
        "sightpost-prune.timer",
    }
    user = image.user_id("sightpost")
    assert user
    assert "video:x:44:sightpost" in image.at("/etc/group").read_text()
    for folder in ("", "/db", "/captured_images", "/log", "/run"):
        place = image.at(DATA + folder)
        assert (mode(place), place.stat().st_uid) == (0o750, user), folder
    settings = image.at(f"{DATA}/.env.production")
    assert (mode(settings), settings.stat().st_uid) == (0o640, 0)
    code = image.at("/opt/sightpost/current/agent/cli.py")
    assert (mode(code), code.stat().st_uid) == (0o644, 0)
    assert not image.at("/opt/sightpost/current/tests").exists()
    link = image.at(f"{DATA}/run_production.sh").readlink()
    assert link == Path("/opt/sightpost/current/scripts/run_production.sh")


def assert_program_runs(image: Image) -> None:
    """With the interpreter and the code of the release, in the data folder."""
    current = image.at("/opt/sightpost/current")
    said = subprocess.run(
        [current / ".venv/bin/python", "-m", "server", "settings", "SERVER_PORT"],
        cwd=image.at(DATA),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(current), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "18765\n"


def test_dry_run_says_what_it_would_do_and_does_nothing(image: Image) -> None:
    before = image.contents()
    done = image.runs("install_all_services.sh", "--dry-run", "--nginx")
    assert done.code == 0, done.said
    assert "would run: useradd --prefix" in done.said
    assert "would run: chown --no-dereference sightpost:sightpost" in done.said
    assert "Group=\n" not in done.said
    assert "would make:" in done.said
    assert "enable sightpost-agent.service" in done.said
    assert image.contents() == before


def test_installed_again_upgraded_given_another_role_and_removed(image: Image) -> None:
    done = image.runs("install_all_services.sh")
    assert done.code == 0, done.said
    assert_installed(image)
    settings = image.at(f"{DATA}/.env.production")
    settings.write_text("SERVER_PORT = '18765'\n")
    assert_program_runs(image)
    rows = image.at(DATA) / "db" / "lpr_data.db"
    rows.write_text("rows")
    rows.chmod(0o640)

    before = image.contents()
    again = image.runs("install_all_services.sh")
    assert again.code == 0, again.said
    assert image.contents() == before

    log, keys = image.at(f"{DATA}/log"), image.at("/etc/keys")
    keys.mkdir(mode=0o755)
    log.rename(log.with_name("aside"))
    log.symlink_to(keys)  # as whoever has the account could lay one
    refused = image.runs("install_all_services.sh")
    assert (refused.code, "cannot change perm" in refused.said) == (1, True), refused.said
    assert (mode(keys), keys.stat().st_uid) == (0o755, 0)
    log.unlink()
    log.with_name("aside").rename(log)

    first = release(image)
    settings.write_text("SERVER_PORT = high\n")
    refused = image.runs("install_all_services.sh", "--roles", "agent")
    assert refused.code == 1
    assert "SERVER_PORT='high' cannot be used" in refused.said
    assert "websocket-server.service" in image.enabled()
    settings.write_text("SERVER_PORT = '18765'\n")

    license_text = image.checkout.root / "LICENSE"
    license_text.write_text(license_text.read_text() + "another\n")
    upgraded = image.runs("install_all_services.sh", "--roles", "server", "--nginx")
    assert upgraded.code == 0, upgraded.said
    assert release(image) != first
    assert image.enabled() == {"websocket-server.service", "sightpost-prune.timer"}
    assert settings.read_text() == "SERVER_PORT = '18765'\n"
    assert len(list(image.at("/opt/sightpost/releases").iterdir())) == 2
    site = image.at("/etc/nginx/sites-enabled/sightpost-server")
    assert "listen 80;" in (site.parent / site.readlink()).read_text()
    assert not image.at("/etc/nginx/sites-enabled/default").is_symlink()

    elsewhere = image.at("/home/somebody")
    elsewhere.mkdir(parents=True)
    purge = ("--uninstall", "--purge", "--data", "/home/somebody")
    refused = image.runs("install_all_services.sh", *purge)
    assert (refused.code, f"its data lie in {DATA}" in refused.said) == (1, True), refused.said
    assert elsewhere.is_dir()

    removed = image.runs("install_all_services.sh", "--uninstall")
    assert removed.code == 0, removed.said
    assert not image.at("/opt/sightpost").exists()
    assert not image.enabled()
    assert not list(image.at(UNITS).rglob("*sightpost*"))
    assert not site.is_symlink()
    assert (image.at(DATA) / "db" / "lpr_data.db").read_text() == "rows"
    assert not list(image.at(DATA).glob("*.sh"))


def test_unit_of_another_program_is_not_written_over(image: Image) -> None:
    image.at(f"{UNITS}/websocket-server.service").write_text("[Service]\nExecStart=/home/cam/a\n")
    before = image.contents()
    done = image.runs("install_all_services.sh")
    assert done.code == 1
    assert "websocket-server.service is another program's" in done.said
    assert "take_over.sh" in done.said
    assert image.contents() == before


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--roles", "agent,cook"), "expected one or several of agent, sender, server"),
        (("--roles", "agent,agent"), "twice"),
        (("--data", "var/lib"), "expected a full path"),
        (("--data", "/a folder"), "expected a full path"),
        (("--user", "Root!"), "expected the name of an account"),
        (("--frobnicate",), "unknown argument --frobnicate"),
    ],
)
def test_wrong_option_is_refused_before_anything_happens(
    image: Image, arguments: tuple[str, ...], complaint: str
) -> None:
    before = image.contents()
    done = image.runs("install_all_services.sh", *arguments)
    assert done.code == 1
    assert complaint in done.said
    assert image.contents() == before

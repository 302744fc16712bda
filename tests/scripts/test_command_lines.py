"""What the scripts answer on their command lines."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.scripts.checkout import ROOT, Checkout

CHECKOUT = Checkout(ROOT)


@pytest.mark.parametrize("name", ["test", "check", "pin", "demo", "demo-cluster", "pictures"])
def test_help_is_shown_without_building_anything(name: str, tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path)
    done = checkout.run(str(checkout.root / "scripts" / name), "--help", cwd=tmp_path)
    assert done.code == 0, done.said
    assert done.out.startswith(f"usage: scripts/{name}")
    assert not (checkout.root / ".venv").exists()


@pytest.mark.parametrize("name", ["demo", "demo-cluster"])
def test_wrong_option_is_answered_with_the_usage_of_help(name: str) -> None:
    usage = CHECKOUT.run(f"scripts/{name}", "--help").out.splitlines()[0]
    done = CHECKOUT.run(f"scripts/{name}", "--bogus")
    assert done.code == 2
    assert done.said.splitlines()[0] == usage


@pytest.mark.parametrize(
    "path", sorted((ROOT / "scripts").glob("*.sh")), ids=lambda path: path.name
)
def test_script_for_operators_explains_itself(path: Path, tmp_path: Path) -> None:
    assert path.stat().st_mode & 0o111, f"chmod +x {path}"
    shown = CHECKOUT.run(str(path), "--help", cwd=tmp_path)
    assert shown.code == 0, shown.said
    assert shown.out.startswith(f"usage: {path.name} ")


def test_signatures_are_not_fetched_for_somebody_who_asks_for_help() -> None:
    shown = CHECKOUT.run(sys.executable, "scripts/picamera_signatures.py", "--help")
    assert shown.code == 0, shown.said
    assert shown.out.startswith("usage: picamera_signatures.py ")


@pytest.mark.parametrize("link", sorted(ROOT.glob("*.sh")), ids=lambda path: path.name)
def test_name_in_the_root_is_a_link_to_the_script(link: Path) -> None:
    assert link.is_symlink()
    assert link.resolve() == ROOT / "scripts" / link.name


def test_check_refuses_what_it_does_not_know() -> None:
    done = CHECKOUT.run("scripts/check", "--no-test")
    assert done.code == 1
    assert "unknown argument --no-test" in done.said


def test_system_packages_each_say_why() -> None:
    lines = (ROOT / "scripts" / "system-packages.txt").read_text("utf-8").splitlines()
    entries = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    assert entries
    assert all(len(entry) == 2 for entry in entries)


@pytest.mark.parametrize(
    "path",
    [
        *("scripts/demo", "scripts/demo-cluster", "scripts/pictures"),
        *("scripts/test", "scripts/check", ".ci/run"),
    ],
)
def test_script_can_be_started(path: str) -> None:
    assert (ROOT / path).stat().st_mode & 0o111, f"chmod +x {path}"

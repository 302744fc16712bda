"""scripts/lib/environment.sh, run for real: what it builds, when, and how it says what is wrong."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripts.checkout import Checkout, program

BUILT = "making the environment"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout.make(tmp_path)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, quick_python: Path) -> Checkout:
    """One environment for the tests that leave it as it is."""
    checkout = Checkout.make(tmp_path_factory.mktemp("built"))
    done = checkout.bash("ensure_environment runtime", SIGHTPOST_PYTHON=str(quick_python))
    assert done.code == 0, done.said
    assert BUILT in done.said
    return checkout


def test_second_run_builds_nothing_and_says_nothing(built: Checkout) -> None:
    done = built.bash('ensure_environment runtime; "$environment_python" -c "print(1)"')
    assert (done.code, done.out, done.said) == (0, "1\n", "")


def test_works_from_any_folder(built: Checkout, tmp_path: Path) -> None:
    done = built.bash('ensure_environment runtime; echo "$environment_python"', cwd=tmp_path)
    assert done.out.strip() == str(built.root / ".venv" / "bin" / "python")


@pytest.mark.parametrize("kind", ["", "-agent", "-server", "-pi"])
def test_changed_requirements_make_it_stale(built: Checkout, kind: str) -> None:
    changed = built.root / f"requirements{kind}.txt"
    changed.write_text("# changed")
    assert built.bash("environment_has runtime").code == 1
    changed.write_text("")
    assert built.bash("environment_has runtime").code == 0


def test_a_cameras_environment_becomes_one_for_both_programs(
    checkout: Checkout, quick_python: Path
) -> None:
    with_python = {"SIGHTPOST_PYTHON": str(quick_python)}
    camera = checkout.bash("ensure_environment agent", **with_python)
    assert "installing requirements-agent.txt (" in camera.said
    assert checkout.bash("environment_has runtime").code == 1
    both = checkout.bash("ensure_environment runtime", **with_python)
    assert "installing requirements.txt (" in both.said
    assert BUILT not in both.said
    assert checkout.bash("environment_has agent && environment_has runtime").code == 0


def test_environment_without_development_tools_is_not_one_for_tests(built: Checkout) -> None:
    assert built.bash("environment_has dev").code == 1


def test_environment_that_moved_is_stale(built: Checkout, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(built.root, moved, symlinks=True)
    assert Checkout(moved).bash("environment_has runtime").code == 1


def test_environment_whose_python_has_gone_is_stale(built: Checkout) -> None:
    python = built.root / ".venv" / "bin" / "python"
    target = python.readlink()
    python.unlink()
    python.symlink_to("/nonexistent/python3")
    try:
        assert built.bash("environment_has runtime").code != 0
    finally:
        python.unlink()
        python.symlink_to(target)


def test_half_built_environment_is_built_anew(checkout: Checkout, quick_python: Path) -> None:
    left = checkout.root / ".venv" / "bin" / "left-by-the-killed-run"
    left.parent.mkdir(parents=True)
    left.touch()
    (checkout.root / ".venv" / ".sightpost").mkdir()
    done = checkout.bash("ensure_environment runtime", SIGHTPOST_PYTHON=str(quick_python))
    assert done.code == 0, done.said
    assert "unfinished" in done.said
    assert not left.exists()


def test_two_runs_at_once_build_it_once(checkout: Checkout, quick_python: Path) -> None:
    script = checkout.root / "scripts" / "lib" / "environment.sh"
    code = 'set -euo pipefail; source "$0"; ensure_environment runtime'
    command = ["bash", "-c", code, str(script)]
    environment = {**checkout.environment(), "SIGHTPOST_PYTHON": str(quick_python)}
    runs = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [run.communicate(timeout=180)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert sum(BUILT in text for text in said) == 1
    assert checkout.bash("environment_has runtime").code == 0


def test_somebody_elses_environment_is_left_alone(checkout: Checkout) -> None:
    theirs = checkout.root / ".venv" / "theirs"
    theirs.parent.mkdir()
    theirs.touch()
    done = checkout.bash("ensure_environment runtime")
    assert done.code == 1
    assert re.search(r"not made by these scripts; move it away first: mv '.*/\.venv'", done.said)
    assert theirs.exists()


def stub_python(folder: Path, version: str, *, has_venv: bool = True) -> Path:
    """Claims a version and answers the three questions that find_python asks."""
    minor = int(version.split(".")[1])
    return program(
        folder / "python3",
        f"""case "$2" in
        *'import ensurepip'*) exit {0 if has_venv else 1} ;;
        *'sys.exit('*) exit {0 if minor >= 11 else 1} ;;
        *) echo {version} ;;
        esac""",
    )


def path_with(folder: Path) -> str:
    """A PATH of ordinary programs without any Python but those in `folder`."""
    tools = folder / "tools"
    tools.mkdir(parents=True)
    for name in ("bash", "cat", "cut", "dirname", "sha256sum", "env", "flock", "mkdir", "rm"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    return f"{folder}:{tools}"


def test_too_old_python_is_named_with_the_remedy(checkout: Checkout, tmp_path: Path) -> None:
    stub_python(tmp_path / "bin", "3.9")
    done = checkout.bash("ensure_environment runtime", PATH=path_with(tmp_path / "bin"))
    assert done.code == 1
    assert "Python 3.11 or newer is needed, but python3 is 3.9" in done.said
    assert "sudo apt-get install python3 python3-venv" in done.said
    assert not (checkout.root / ".venv").exists()


def test_no_python_at_all(checkout: Checkout, tmp_path: Path) -> None:
    done = checkout.bash("ensure_environment runtime", PATH=path_with(tmp_path / "bin"))
    assert done.code == 1
    assert "no Python found" in done.said


def test_newer_python_beside_an_old_one_is_taken(checkout: Checkout, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    stub_python(folder, "3.12").rename(folder / "python3.12")
    stub_python(folder, "3.9")
    program(folder / "python3.13", "exit 127")  # a shim that leads nowhere
    done = checkout.bash("find_python", PATH=path_with(folder))
    assert (done.code, done.out.strip()) == (0, str(folder / "python3.12"))


def test_python_without_venv_names_the_package(checkout: Checkout, tmp_path: Path) -> None:
    stub_python(tmp_path / "bin", "3.11", has_venv=False)
    done = checkout.bash("ensure_environment runtime", PATH=path_with(tmp_path / "bin"))
    assert done.code == 1
    assert "sudo apt-get install python3-venv" in done.said


def test_too_little_space_is_said_before_anything_is_written(checkout: Checkout) -> None:
    done = checkout.bash(
        "environment_needs_mb=999999999; ensure_environment runtime",
        SIGHTPOST_PYTHON=sys.executable,
    )
    assert done.code == 1
    assert "free some space" in done.said
    assert not (checkout.root / ".venv").exists()


def test_unreachable_index_is_named_and_leaves_nothing_that_counts(
    checkout: Checkout, quick_python: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (checkout.root / "requirements.txt").write_text("sightpost-needs-a-network==1\n")
    done = checkout.bash(
        "ensure_environment runtime",
        SIGHTPOST_PYTHON=str(quick_python),
        PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL=f"http://127.0.0.1:{port}/",
        PIP_RETRIES="0",
        PIP_TIMEOUT="2",
    )
    assert done.code == 1
    assert "the package index could not be reached; check the network" in done.said
    assert checkout.bash("environment_has runtime").code == 1


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("ERROR: [Errno 28] No space left on device", "the disk is full"),
        ("connection broken by 'NameResolutionError(...)'", "could not be reached"),
        ("ERROR: No matching distribution found for apsw==9", "found for apsw==9: there is no"),
        ("ERROR: something new", "everything is in"),
    ],
)
def test_pip_failure_is_explained(
    checkout: Checkout, tmp_path: Path, line: str, sentence: str
) -> None:
    log = tmp_path / "pip.log"
    log.write_text(f"2026-01-01T00:00:00,000 {line}\n")
    assert sentence in checkout.bash(f"explain_pip_failure '{log}'").out


@pytest.mark.parametrize(
    ("numpy", "wanted", "chosen"),
    [
        ("1.24.2", "agent", "requirements-pi.txt"),
        ("1.24.2", "runtime", "requirements-pi.txt requirements-server.txt"),
        ("2.2.4", "runtime", "requirements.txt"),
    ],
)
def test_system_camera_decides_on_numpy(
    checkout: Checkout, tmp_path: Path, numpy: str, wanted: str, chosen: str
) -> None:
    system = tmp_path / "dist-packages"
    facts = system / f"numpy-{numpy}.dist-info" / "METADATA"
    facts.parent.mkdir(parents=True)
    facts.write_text(f"Metadata-Version: 2.1\nName: numpy\nVersion: {numpy}\n")
    (system / "picamera2.py").touch()
    base = Path(sys.base_prefix) / "bin" / "python3"
    without_pip = program(  # which takes 7 s; what is chosen is said before it would be needed
        tmp_path / "python3",
        f"""if [[ "$1 $2" == "-m venv" ]]; then
            exec '{base}' -m venv --without-pip "${{@:3}}"
        fi
        exec '{base}' "$@" """,
    )
    done = checkout.bash(
        f"ensure_environment {wanted}", SIGHTPOST_PYTHON=str(without_pip), PYTHONPATH=str(system)
    )
    assert f"installing {chosen} (" in done.said, done.said
    settings = (checkout.root / ".venv" / "pyvenv.cfg").read_text()
    assert "include-system-site-packages = true" in settings

"""scripts/supervising.py: what ends or hangs is started anew, and ends with whoever minds it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.programs import wait_until
from tests.scripts.checkout import ROOT

PROGRAM = """
import os, signal, socket, sys, time
line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
line.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
with open("starts", "a") as starts:
    starts.write(f"{os.getpid()}\\n")
if sys.argv[1] == "ends":
    sys.exit(7)
line.sendto(b"STATUS=watching the road", os.environ["NOTIFY_SOCKET"])
while True:
    if sys.argv[1] == "works":
        line.sendto(b"WATCHDOG=1", os.environ["NOTIFY_SOCKET"])
    time.sleep(0.05)
"""


@contextmanager
def supervised(
    folder: Path, *program: str, log: Path = Path(os.devnull)
) -> Iterator[subprocess.Popen[bytes]]:
    """Started in that folder, with a socket on which it says that its program is ready."""
    script = str(ROOT / "scripts" / "supervising.py")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as outer, log.open("wb") as output:
        outer.bind(str(folder / "outer"))
        process = subprocess.Popen(
            [sys.executable, script, "--silent-s", "1", "--again-s", "0.01", *program],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": str(folder / "outer")},
            stdout=output,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def python(kind: str) -> tuple[str, ...]:
    return sys.executable, "-S", "-c", PROGRAM, kind


def starts(folder: Path) -> list[int]:
    file = folder / "starts"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


@pytest.mark.parametrize(
    ("kind", "log"),
    [
        ("hangs", os.devnull),
        pytest.param("ends", "/dev/full", id="ends, on a disk that is full"),
    ],
)
def test_program_that_ends_or_says_nothing_is_started_anew(
    kind: str, log: str, tmp_path: Path
) -> None:
    course = ("--course", "/dev/full/agent.course")  # which cannot be written either
    with supervised(tmp_path, *course, *python(kind), log=Path(log)) as supervisor:
        wait_until(lambda: len(starts(tmp_path)) >= 3, what="the third start")
        assert supervisor.poll() is None


def test_program_that_cannot_be_started_anew_is_tried_again(tmp_path: Path) -> None:
    """As while an installation is replaced, or where there is no memory for it."""
    program, log = tmp_path / "program", tmp_path / "log"
    program.symlink_to(sys.executable)
    gone = PROGRAM.replace("sys.exit(7)", "os.unlink('program'); sys.exit(7)")
    with supervised(tmp_path, "./program", "-S", "-c", gone, "ends", log=log) as supervisor:
        wait_until(lambda: "cannot be started" in log.read_text(), what="a start in vain")
        program.symlink_to(sys.executable)
        wait_until(lambda: len(starts(tmp_path)) >= 2, what="the second start")
        assert supervisor.poll() is None


def test_program_that_was_never_ready_is_not_started_anew(tmp_path: Path) -> None:
    with supervised(tmp_path, "bash", "-c", "echo x >>starts; exit 3") as supervisor:
        assert supervisor.wait(60) == 3
    assert (tmp_path / "starts").read_text() == "x\n"


def test_killed_program_is_noted_with_the_signal(tmp_path: Path) -> None:
    course, log = tmp_path / "course", tmp_path / "log"
    with supervised(tmp_path, "--course", str(course), *python("works"), log=log):
        wait_until(lambda: bool(starts(tmp_path)), what="the start")
        wait_until(
            lambda: course.exists() and json.loads(course.read_text())["is_ready"], what="ready"
        )
        (pid,) = starts(tmp_path)
        assert json.loads(course.read_text())["pid"] == pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(starts(tmp_path)) == 2, what="the second start")
        assert json.loads(course.read_text())["ended_with"] == "signal 9"
    assert "ERROR it ended with signal 9 and is started again in" in log.read_text()


def test_signal_ends_program_and_supervisor(tmp_path: Path) -> None:
    with supervised(tmp_path, *python("works")) as supervisor:
        wait_until(lambda: bool(starts(tmp_path)), what="the start")
        supervisor.terminate()
        assert supervisor.wait(60) == 128 + signal.SIGTERM
    (pid,) = starts(tmp_path)
    assert not Path(f"/proc/{pid}").exists()


def test_killed_supervisor_takes_its_program_with_it(tmp_path: Path) -> None:
    with supervised(tmp_path, *python("works")) as supervisor:
        wait_until(lambda: bool(starts(tmp_path)), what="the start")
        supervisor.kill()
        supervisor.wait()
        (pid,) = starts(tmp_path)
        wait_until(lambda: not _runs(pid), what="its end")


def _runs(pid: int) -> bool:
    """Whether it is there and no zombie, which waits for somebody else's init."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def service(folder: Path, action: str, *command: str) -> tuple[int, str]:
    script = str(ROOT / "scripts" / "service_process.py")
    done = subprocess.run(
        [sys.executable, script, "--name", "agent", "--folder", str(folder), action, *command],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_status_tells_a_program_that_ends_again_and_again_from_one_that_runs(
    tmp_path: Path,
) -> None:
    assert service(tmp_path, "start", *python("ends"))[0] == 0
    wait_until(lambda: service(tmp_path, "status")[0] == 3, what="its end")
    said = service(tmp_path, "status")[1]
    noted_in = tmp_path / "log" / "agent.start.log"
    assert said.startswith("agent: is started again (supervisor ")
    assert "), ended by itself once at 2" in said
    assert said.endswith(f"with exit code 7: see {noted_in}\n")
    assert "ended with exit code 7 and is started again" in noted_in.read_text()
    assert service(tmp_path, "stop") == (0, "SUCCESS agent stopped\n")
    assert service(tmp_path, "status") == (3, "agent: does not run\n")
    code, said = service(tmp_path, "start", "bash", "-c", "echo its last words; kill -SEGV $$")
    assert (code, said) == (1, "ERROR agent ended with signal 11:\n    its last words\n")

    assert service(tmp_path, "start", *python("works"))[0] == 0
    pid, supervisor = starts(tmp_path)[-1], (tmp_path / "run" / "agent.pid").read_text().split()[0]
    processes = f"(process {pid}, supervisor {supervisor})"
    says = f"agent: runs {processes}: watching the road ("
    wait_until(lambda: service(tmp_path, "status")[1].startswith(says), what="what it says")
    assert service(tmp_path, "status")[0] == 0
    again = service(tmp_path, "start", *python("works"))
    assert again == (0, f"agent runs {processes} already\n")
    for ago_s, code in ((10, 3), (3600, 0), (-3600, 0)):
        course = {  # as an older release kept it
            "restarts": 4,
            "is_ready": True,
            "ended_with": "signal 9",
            "ended_at_s": time.time() - ago_s,
        }
        (tmp_path / "run" / "agent.course").write_text(json.dumps(course))
        status = service(tmp_path, "status")
        assert status[0] == code
        assert status[1].startswith("agent: runs again" if code else "agent: runs (")
        assert "ended by itself 4 times, last at 2" in status[1]
        assert "with signal 9" in status[1]
    os.kill(int(supervisor), signal.SIGKILL)
    wait_until(lambda: service(tmp_path, "status")[0] == 3, what="its end")
    said = service(tmp_path, "status")[1]
    assert "not stopped: its supervisor was killed" in said
    assert said.endswith("; start it with ./run_production.sh start\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="accounts differ for root alone: run as root")
def test_link_in_an_account_s_folder_does_not_lead_root_elsewhere() -> None:
    with tempfile.TemporaryDirectory() as name:  # where that account can go, too
        place = Path(name)
        place.chmod(0o755)
        elsewhere, data = place / "elsewhere", place / "data"
        elsewhere.mkdir(mode=0o755)
        data.mkdir(mode=0o755)
        (data / "log").symlink_to(elsewhere)
        os.chown(data, 1234, 1234)
        script = str(ROOT / "scripts" / "service_process.py")
        done = subprocess.run(
            [sys.executable, script, "--name", "agent", "--folder", str(data), "start", "true"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "Permission denied" in done.stderr
        assert list(elsewhere.iterdir()) == []

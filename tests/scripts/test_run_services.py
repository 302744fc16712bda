"""The run_*.sh scripts, with the programs really started and stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.pictures import write_plate_pictures
from tests.end_to_end.programs import rows_of, wait_until
from tests.extent import long_runs
from tests.scripts.checkout import ROOT, Checkout, program
from tests.scripts.operating import Operator, free_ports, operator

NOT_RUNNING = 3
SCRIPTS = sorted(path.name for path in (ROOT / "scripts").glob("run_*.sh"))


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Operator]:
    with operator(tmp_path) as made:
        yield made


@pytest.fixture
def server_port(person: Operator) -> int:
    ports = free_ports(2)
    person.writes_settings(
        WEBSOCKET_SERVER_URL=f"ws://127.0.0.1:{ports[0]}/",
        SERVER_PORT=ports[0],
        SERVER_WEB_PORT=ports[1],
        AGENT_WEB_PORT=0,
    )
    return ports[0]


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("wrong", [(), ("begin",), ("logs", "-x")])
def test_what_is_not_understood_is_answered_with_the_usage(
    name: str, wrong: tuple[str, ...], person: Operator
) -> None:
    done = person.types(f"scripts/{name}", *wrong)
    assert done.code == 1
    assert "usage: run_" in done.said
    assert f"unknown argument {wrong[-1] if wrong else '(none)'}" in done.said


@pytest.mark.usefixtures("server_port")
def test_server_is_started_once_tried_killed_and_found_dead(person: Operator) -> None:
    script = "run_websocket_server.sh"
    assert person.types(script, "status").code == NOT_RUNNING
    started = person.types(script, "start")
    assert started.code == 0, started.said
    pid = person.pid_of("server")
    own = json.loads((person.data / "run" / "server.course").read_text("ascii"))["pid"]
    processes = f"(process {own}, supervisor {pid})"
    first, *places = started.out.splitlines()
    assert first == f"SUCCESS server runs {processes}"
    pages = re.fullmatch(r"    The pages are on (http://127\.0\.0\.1:\d+/)", places[0])
    assert pages is not None
    assert any(line.strip().startswith(f"{pages[1]}setup?key=") for line in places)
    says = person.types(script, "status").out
    assert says.startswith(f"server: runs {processes}: 0 cameras connected, 0 rows received (")
    again = person.types(script, "start")
    assert (again.code, again.out) == (0, f"server runs {processes} already\n")
    tried = person.types(script, "test")
    assert tried.code == 0, tried.said
    assert [line.split()[0] for line in tried.out.splitlines()] == ["SUCCESS", "SUCCESS"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: person.types(script, "status").code == NOT_RUNNING, what="it is dead")
    assert person.types(script, "test").code == 2
    assert "listening" in person.types(script, "logs", "200").out


def test_nothing_is_started_beside_a_server_with_wrong_settings(person: Operator) -> None:
    person.writes_settings(WEBSOCKET_SERVER_URL="ws://127.0.0.1:9/", SERVER_PORTT=1)
    refused = person.types("run_production_extended.sh", "start")
    assert (refused.code, refused.out) == (1, "")
    assert "SERVER_PORTT in " in refused.said
    assert person.pid_of("agent") is None


def test_server_that_cannot_start_says_why(person: Operator, server_port: int) -> None:
    with socket.create_server(("127.0.0.1", server_port)):
        failed = person.types("run_websocket_server.sh", "start")
    assert failed.code == 1
    assert f"cannot listen on 127.0.0.1 port {server_port}" in failed.said
    assert person.pid_of("server") is None


IS_READY = """
import os, socket, time
line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
line.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
print("it runs", flush=True)
time.sleep(600)
"""


def stand_in(person: Operator, name: str) -> None:
    """In the place of that program, one that only says that it is ready."""
    script = str(ROOT / "scripts" / "service_process.py")
    subprocess.run(
        [sys.executable, script, "--name", name, "--folder", str(person.data), "start",
         sys.executable, "-S", "-c", IS_READY],
        check=True,
        capture_output=True,
    )  # fmt: skip


def test_programs_are_stopped_and_looked_at_with_settings_that_cannot_be_read(
    person: Operator,
) -> None:
    person.writes_settings(AGENT_THREADZ=3, SERVER_PORTT=1)
    complaint = "AGENT_THREADZ in .env.production is not a setting"
    for name in ("agent", "server"):
        stand_in(person, name)
    pids = {name: person.pid_of(name) for name in ("agent", "server")}

    status = person.types("run_production_extended.sh", "status")
    assert status.code == 0, status.said
    assert [line.split(" (")[0] for line in status.out.splitlines()] == [
        "server: runs",
        "agent: runs",
    ]
    assert status.said.count(complaint) == 1
    logs = person.types("run_production.sh", "logs")
    assert "it runs" in logs.out
    assert "AGENT_LOG_FILE cannot be read: its default is taken, log/app.log" in logs.said
    for script, wrong in (("production", complaint), ("websocket_server", "SERVER_PORTT in ")):
        refused = person.types(f"run_{script}.sh", "restart")
        assert (refused.code, refused.out) == (1, "")
        assert wrong in refused.said
    assert {name: person.pid_of(name) for name in pids} == pids

    stopped = person.types("run_production_extended.sh", "stop")
    assert (stopped.code, stopped.out.splitlines()) == (
        0,
        ["SUCCESS agent stopped", "SUCCESS server stopped"],
    )
    assert stopped.said.count(complaint) == 1


@pytest.mark.usefixtures("server_port")
def test_process_that_only_has_the_number_of_ours_is_left_alone(person: Operator) -> None:
    somebody = subprocess.Popen(["sleep", "60"])
    try:
        (person.data / "run").mkdir()
        (person.data / "run" / "server.pid").write_text(f"{somebody.pid} 1\n")
        stopped = person.types("run_websocket_server.sh", "stop")
        assert (stopped.code, stopped.out) == (0, "server does not run\n")
        assert somebody.poll() is None
    finally:
        somebody.kill()
        somebody.wait()


def test_sender_says_that_nobody_listens(person: Operator, server_port: int) -> None:
    tried = person.types("run_websocket_sender.sh", "test")
    assert tried.code == 1
    assert f"ws://127.0.0.1:{server_port}/: connection refused" in " ".join(tried.said.split())


def test_no_sender_is_started_beside_an_agent_that_sends_itself(person: Operator) -> None:
    person.writes_settings(WEBSOCKET_SERVER_URL="ws://127.0.0.1:9/")
    for action in ("start", "restart"):
        refused = person.types("run_websocket_sender.sh", action)
        assert refused.code == 1
        assert "AGENT_SENDER=embedded: the agent sends by itself" in refused.said
        assert person.pid_of("sender") is None
    status = person.types("run_websocket_sender.sh", "status")
    assert (status.code, status.out) == (NOT_RUNNING, "agent: does not run\n")
    stand_in(person, "agent")
    status = person.types("run_websocket_sender.sh", "status")
    assert status.code == 0
    assert status.out.startswith("agent: runs (")
    assert "the agent sends by itself" in status.said


@long_runs
def test_everything_together_sends_and_the_camera_goes_on_while_the_rest_restarts(
    person: Operator, server_port: int
) -> None:
    pictures = person.data / "pictures of the road"
    pictures.mkdir()
    write_plate_pictures(pictures, 1)
    with (person.data / ".env.production").open("a") as settings:
        settings.write(f'AGENT_SENDER = separate\nAGENT_SOURCE = "images:{pictures}"\n')
    script = "run_production_extended.sh"
    started = person.types(script, "start")
    assert started.code == 0, started.said
    before = {name: person.pid_of(name) for name in ("server", "agent", "sender")}
    assert None not in before.values()
    restarted = person.types(script, "restart-websocket")
    assert restarted.code == 0, restarted.said
    assert person.types(script, "status").code == 0
    after = {name: person.pid_of(name) for name in ("server", "agent", "sender")}
    assert [name for name in before if before[name] == after[name]] == ["agent"]
    database = person.data / "db" / "websocket_server.db"
    wait_until(
        lambda: rows_of(database, "SELECT 1 FROM lpr_detections") == [(1,)], what="the row arrives"
    )
    assert "SUCCESS connected" in person.types("run_websocket_sender.sh", "logs").out
    assert "SUCCESS stored 1 row" in person.types("run_websocket_server.sh", "logs").out
    stopped = person.types(script, "stop")
    assert stopped.out.splitlines() == [
        f"SUCCESS {name} stopped" for name in ("sender", "agent", "server")
    ]
    assert person.types("run_production.sh", "status").code == NOT_RUNNING


class TestWithSystemd:
    """Where units are installed, the scripts leave everything to systemd."""

    @pytest.fixture
    def installed(self, tmp_path: Path) -> Checkout:
        checkout = Checkout.make(tmp_path)
        (checkout.root / ".installation").write_text(f"data={tmp_path}\nroles=agent,server\n")
        program(
            tmp_path / "bin" / "systemctl",
            """case "$1" in
            is-system-running) echo running ;;
            is-active) [[ "$2" == *server* ]] && echo active || { echo failed; exit 3; } ;;
            show)
                echo "NRestarts=${RESTARTS:-0}"
                read -r up_s _ </proc/uptime
                echo "ActiveEnterTimestampMonotonic=$(((${up_s%.*} - ${ACTIVE_S:-0}) * 1000000))"
                echo "StatusText=3 cameras connected"
                ;;
            *) echo "$*" >>"$CALLS" ;;
            esac""",
        )
        return checkout

    def test_units_are_started_and_their_state_shown(
        self, installed: Checkout, tmp_path: Path
    ) -> None:
        calls = tmp_path / "calls"
        environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "CALLS": str(calls)}
        script = str(installed.root / "scripts" / "run_websocket_server.sh")
        started = installed.run(script, "start", **environment)
        assert started.out == "websocket-server.service: active, 3 cameras connected\n"
        assert calls.read_text() == "start websocket-server.service\n"
        assert installed.run(script, "status", **environment).code == 0
        for active_s, code in (("10", NOT_RUNNING), ("3600", 0)):
            often = {"RESTARTS": "4", "ACTIVE_S": active_s, **environment}
            status = installed.run(script, "status", **often)
            assert (status.code, status.out.strip()) == (
                code,
                "websocket-server.service: active, 3 cameras connected, started again 4 times",
            )
            assert installed.run(script, "start", **often).code == 0
        sender = str(installed.root / "scripts" / "run_websocket_sender.sh")
        failed = installed.run(sender, "stop", **environment)
        assert failed.code == 0, failed.said
        assert calls.read_text().splitlines()[-1] == "stop websocket-sender.service"

    def test_units_are_stopped_where_settings_cannot_be_read(
        self, installed: Checkout, tmp_path: Path
    ) -> None:
        calls = tmp_path / "calls"
        environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "CALLS": str(calls)}
        script = str(installed.root / "scripts" / "run_production.sh")
        refused = installed.run(script, "restart", **environment)
        assert refused.code == 1
        assert not calls.exists()
        stopped = installed.run(script, "stop", **environment)
        assert stopped.code == 0, stopped.said
        assert "python is missing" in stopped.said  # without it nothing reads settings
        assert calls.read_text().splitlines() == [
            "stop websocket-sender.service",
            "stop sightpost-agent.service",
        ]

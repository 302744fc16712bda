"""The house of docs/architecture.md holds: who imports whom, and that importing does nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import source_rules as rules
from tests.source_rules import Module

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ("agent", "server")
LIBRARIES = ("wire", "vision", "settings", "telemetry", "guarding", "db")
NOT_SHIPPED = ("tests", "scripts", "benchmarks")
MODULE_LIMIT_LINES = 450

NETWORK = (
    *("asyncio", "socket", "ssl", "select", "selectors", "http", "urllib.request", "ftplib"),
    *("websockets", "requests", "httpx", "aiohttp", "uvicorn", "fastapi", "starlette"),
)
DATABASES = ("apsw", "sqlite3", "asyncpg", "psycopg")
DISK_AND_CLOCK = ("os", "pathlib", "io", "tempfile", "shutil", "subprocess", "threading", "time")
PICTURES = ("cv2", "numpy", "onnxruntime", "PIL", "rapidocr")

FORBIDDEN = {
    "agent": ("server", *NOT_SHIPPED),
    "server": ("agent", *NOT_SHIPPED),
    # the contract: values in, values out
    "wire": (*NETWORK, *DATABASES, *DISK_AND_CLOCK, *PICTURES, "random", "secrets", "logging"),
    "vision": (*NETWORK, *DATABASES),  # but FETCHER
    "telemetry": (*DATABASES, *PICTURES, "websockets"),
    "settings": (*NETWORK, *DATABASES, *PICTURES),
    "guarding": (*NETWORK, *DATABASES, *DISK_AND_CLOCK, *PICTURES),  # decides on plain values
    "db": (*NETWORK, *PICTURES),
}
FETCHER = "vision.fetching"
"""The one module of vision that may use the network."""

CONTRACTS = {
    "agent": (
        "agent.camera.errors",  # what a source raises is part of its contract
        "agent.camera.frame",
        "agent.camera.source",
        "agent.pipeline.sighting",
    ),
    "server": (
        "server.accounts.contract",
        "server.channels.contract",
        "server.analytics",  # values, and pure functions of them: nothing to be handed in
        "server.accounts.permissions",  # every route names what it asks for
        "server.faces.contract",
        "server.faces.denied_contract",
        "server.faces.history_contract",
        "server.faces.keeping",  # what any database keeps of the gallery
        "server.faces.decision",  # and what is decided on
        "server.storage.asking",  # how any database is read and written to
        "server.storage.connection",  # one database, opened one way
        "server.storage.plate_pattern",  # plates are compared one way
        "server.watchlist.contract",
        "server.watchlist.entry_words",  # what is listed is said one way
        "server.watchlist.keeping",
        "server.watchlist.rules",
        "server.storage.durable",  # what survives a power cut does so one way
        "server.storage.protocol",
        "server.storage.times",  # times are written one way
        "server.storage.reading",  # what is read: asked by pages and REST, answered by any store
    ),
}
COMPOSERS = {
    "agent": (
        *("agent.app", "agent.sender_app", "agent.pruning", "agent.__main__", "agent.cli"),
        *("agent.assembly", "agent.building", "agent.checking", "agent.examining", "agent.page"),
        *("agent.figures", "agent.refusing", "agent.status", "agent.tuner"),
    ),
    "server": (
        *("server.app", "server.__main__", "server.cli", "server.cli_prune"),
        *(
            "server.cli_database",
            "server.cli_move",
            "server.cli_pictures",
            "server.cli_faces",
            "server.cli_sql",
            "server.cli_users",
            "server.face_commands",
            "server.face_desk",
        ),
        *(
            "server.account_side",
            "server.condition",
            "server.face_side",
            "server.figures",
            "server.live_figures",
            "server.minute_keeper",
            "server.keeping",
            "server.library",
            "server.watch_side",
            "server.egress_side",
            "server.export_command",
            "server.web_side",
        ),
        "server.listening",  # joins the settings with the doors of ingest
        "server.workers",  # starts several of the whole
    ),
}
ENVIRONMENT_READERS = (
    *("settings.loading", "agent.config", "server.config"),
    "telemetry.service_manager",  # what systemd tells a process is nothing that a person sets
    "telemetry.products",  # numpy's own, that has to be there before numpy
    "telemetry.process_memory",  # glibc's own, which is not said twice
)

MODULES = rules.read_modules(ROOT, (*PROGRAMS, *LIBRARIES))


def libraries_know_nobody() -> dict[str, tuple[str, ...]]:
    """A library imports neither the programs nor another library."""
    everyone = (*PROGRAMS, *LIBRARIES, *NOT_SHIPPED)
    return {name: tuple(other for other in everyone if other != name) for name in LIBRARIES}


def report(violations: list[str]) -> str:
    return "\n" + "\n".join(violations)


def test_the_tree_is_read() -> None:
    packages = {module.name for module in MODULES if module.is_package}
    assert {*PROGRAMS, *LIBRARIES} <= packages


def test_packages_import_only_what_their_place_allows() -> None:
    modules = [module for module in MODULES if module.name != FETCHER]
    wrong = rules.forbidden_imports(modules, FORBIDDEN)
    fetchers = [module for module in MODULES if module.name == FETCHER]
    wrong += rules.forbidden_imports(fetchers, {FETCHER: (*DATABASES, "asyncio", "socket")})
    assert fetchers
    assert not wrong, report(wrong)


def test_libraries_import_no_program_and_no_other_library() -> None:
    wrong = rules.forbidden_imports(MODULES, libraries_know_nobody())
    assert not wrong, report(wrong)


def test_no_error_becomes_a_group_that_nobody_catches() -> None:
    wrong = rules.raised_in_groups(MODULES)
    assert not wrong, report(wrong)


@pytest.mark.parametrize("program", PROGRAMS)
def test_siblings_meet_only_in_the_composition_root(program: str) -> None:
    wrong = rules.sibling_imports(
        MODULES, program, contracts=CONTRACTS[program], composers=COMPOSERS[program]
    )
    assert not wrong, report(wrong)


@pytest.mark.parametrize("program", PROGRAMS)
def test_nothing_imports_a_composition_root(program: str) -> None:
    wrong = rules.composer_imports(MODULES, COMPOSERS[program])
    assert not wrong, report(wrong)


def test_imports_run_in_no_circle() -> None:
    wrong = rules.import_cycles(MODULES)
    assert not wrong, report(wrong)


def test_every_module_says_what_it_owns() -> None:
    wrong = rules.missing_docstrings(MODULES)
    assert not wrong, report(wrong)


def test_modules_stay_short() -> None:
    wrong = rules.too_long(MODULES, limit_lines=MODULE_LIMIT_LINES)
    assert not wrong, report(wrong)


def test_modules_are_named_by_their_concept() -> None:
    wrong = rules.vague_names(MODULES)
    assert not wrong, report(wrong)


def test_only_the_settings_read_the_environment() -> None:
    wrong = rules.environment_reads(MODULES, allowed=ENVIRONMENT_READERS)
    assert not wrong, report(wrong)


IMPORT_QUIETLY = """
import importlib, importlib.util, sys, threading

root, *names = sys.argv[1:]
sys.path.insert(0, root)
here = root + "/"
forbidden = {
    "socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "os.mkdir",
    "os.remove", "os.rename", "os.rmdir", "os.putenv", "subprocess.Popen", "os.exec", "os.fork",
    "os.system", "sqlite3.connect", "_thread.start_new_thread", "os.posix_spawn", "signal.signal",
}


def ours():
    # Third-party modules may do what they like while they are imported; only the innermost frame
    # of the tree counts, and import machinery above it means that somebody else is at work.
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        # The environment lies inside the tree: its packages are asked about first.
        if "site-packages" in name or "importlib" in name:
            return None
        if name.startswith(here):
            return f"{name[len(here):]}:{frame.f_lineno}"
        frame = frame.f_back
    return None


def watch(event, args):
    if event == "open":
        path, mode, flags = args
        if not (isinstance(mode, str) and set(mode) & set("wax+")) and not (flags or 0) & 3:
            return
    elif event not in forbidden:
        return
    if place := ours():
        print(f"{place} does {event} {args[:1]} while it is imported")


threads = threading.active_count()
sys.addaudithook(watch)
for name in names:
    importlib.import_module(name)
    if threading.active_count() > threads:
        print(f"{name} starts a thread while it is imported")
        threads = threading.active_count()
"""


def effects_of_importing(root: Path, names: list[str]) -> list[str]:
    """What importing the modules does beyond defining: one line each. In a fresh interpreter."""
    run = subprocess.run(
        [sys.executable, "-B", "-c", IMPORT_QUIETLY, str(root), *names],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PATH": os.environ["PATH"]},  # no setting of this shell decides the outcome
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_importing_any_module_does_nothing() -> None:
    names = [module.name for module in MODULES if not module.name.endswith("__main__")]
    wrong = effects_of_importing(ROOT, names)
    assert not wrong, report(wrong)


class TestRulesCanFail:
    """Each rule, fed with a source that breaks it."""

    def test_forbidden_import(self) -> None:
        for text in ("import agent.app", "from agent import app", "def f():\n    import agent"):
            assert rules.forbidden_imports([Module("server.x", text)], FORBIDDEN)
        assert rules.forbidden_imports([Module("wire.x", "from asyncio import Queue")], FORBIDDEN)
        assert rules.forbidden_imports([Module("vision.x", "import apsw")], FORBIDDEN)
        assert not rules.forbidden_imports([Module("wire.x", "import osmium")], FORBIDDEN)

    def test_library_that_knows_another(self) -> None:
        wrong = [Module("db.x", "from wire.rows import Row")]
        assert rules.forbidden_imports(wrong, libraries_know_nobody())

    @pytest.mark.parametrize(
        ("text", "is_wrong"),
        [
            ("from agent.outbox.store import Store", True),
            ("from ..outbox import store", True),
            ("from agent import outbox", True),
            ("from agent.camera.frame import Frame", False),
            ("from agent.camera.factory import open_source", True),
            ("from agent.pipeline.motion import Gate", False),
            ("from .motion import Gate", False),
        ],
    )
    def test_sibling_import(self, text: str, *, is_wrong: bool) -> None:
        packages = ("agent.camera", "agent.outbox", "agent.pipeline")
        modules = [Module(name, "", is_package=True) for name in packages]
        modules.append(Module("agent.pipeline.runner", text))
        contracts, composers = CONTRACTS["agent"], COMPOSERS["agent"]
        found = rules.sibling_imports(modules, "agent", contracts=contracts, composers=composers)
        assert bool(found) is is_wrong

    def test_top_level_module_that_joins_siblings(self) -> None:
        modules = [Module("agent.camera", "", is_package=True)]
        text = "from agent.camera.factory import open_source"
        joining, root = Module("agent.watcher", text), Module("agent.app", text)
        options = {"contracts": CONTRACTS["agent"], "composers": COMPOSERS["agent"]}
        assert rules.sibling_imports([*modules, joining], "agent", **options)
        assert not rules.sibling_imports([*modules, root], "agent", **options)

    def test_import_of_a_composition_root(self) -> None:
        wrong = [Module("agent.web.pages", "from agent.app import build")]
        assert rules.composer_imports(wrong, COMPOSERS["agent"])

    def test_cycle(self) -> None:
        first = Module("wire.a", "from wire.b import x")
        ring = [first, Module("wire.b", "from wire import c"), Module("wire.c", "import wire.a")]
        found = rules.import_cycles(ring)
        assert found == ["import cycle: wire.a -> wire.b -> wire.c -> wire.a"]
        typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from wire.a import y"
        assert not rules.import_cycles([first, Module("wire.b", typed)])

    def test_missing_docstring(self) -> None:
        assert rules.missing_docstrings([Module("wire.a", "x = 1")])
        assert rules.missing_docstrings([Module("wire", "", is_package=True)])

    def test_long_module(self) -> None:
        assert rules.too_long([Module("wire.a", "x = 1\n" * 3)], limit_lines=2)
        assert not rules.too_long([Module("wire.a", "x = 1\n" * 2)], limit_lines=2)

    def test_an_error_raised_where_a_group_is_caught(self) -> None:
        text = "try:\n    f()\nexcept* OSError as group:\n    {}\n"
        raised, kept = "raise group.exceptions[0]", "first = group.exceptions[0]"
        assert rules.raised_in_groups([Module("server.x", text.format(raised))])
        assert not rules.raised_in_groups([Module("server.x", text.format(kept))])

    @pytest.mark.parametrize("name", ["wire.utils", "agent.camera_v2", "db.enhanced_runner"])
    def test_vague_name(self, name: str) -> None:
        assert rules.vague_names([Module(name, "")])

    @pytest.mark.parametrize(
        "text",
        ["import os\nos.environ['A']", "import os\nos.getenv('A')", "from os import environ"],
    )
    def test_environment_read(self, text: str) -> None:
        assert rules.environment_reads([Module("agent.web", text)], allowed=("agent.config",))
        assert not rules.environment_reads(
            [Module("agent.config", text)], allowed=("agent.config",)
        )

    @pytest.mark.parametrize(
        "text",
        [
            "open('written.txt', 'w').close()",
            "from pathlib import Path\nPath('made').mkdir()",
            "import socket\nsocket.socket(socket.AF_INET).bind(('127.0.0.1', 0))",
            "import threading, time\nthreading.Thread(target=time.sleep, args=(1,)).start()",
            "import subprocess\nsubprocess.run(['true'])",
        ],
    )
    def test_import_with_an_effect(
        self, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "busy.py").write_text(text)
        assert effects_of_importing(tmp_path, ["busy"])
        (tmp_path / "busy.py").write_text("import json, pathlib\nPLACE = pathlib.Path('x')")
        assert not effects_of_importing(tmp_path, ["busy"])

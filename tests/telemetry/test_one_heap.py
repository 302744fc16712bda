"""The agent keeps one heap for all its threads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAPS = """
import contextlib, ctypes, runpy, sys, threading
sys.argv = [sys.argv[1], "--help"]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(sys.stderr):
    runpy.run_module(sys.argv[0], run_name="__main__")
libc = ctypes.CDLL(None)
together = threading.Barrier(5)
def work():
    libc.malloc(3000)
    together.wait()
for _ in range(4):
    threading.Thread(target=work).start()
together.wait()
libc.fdopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, file)
libc.fflush(file)
"""


def heaps_of(environ: dict[str, str]) -> int:
    done = subprocess.run(
        [sys.executable, "-c", HEAPS, "agent"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.count("<heap nr=")


def test_all_threads_of_the_agent_share_one_heap() -> None:
    assert heaps_of({}) == 1


def test_who_sets_another_number_of_heaps_gets_it() -> None:
    assert heaps_of({"MALLOC_ARENA_MAX": "3"}) == 3

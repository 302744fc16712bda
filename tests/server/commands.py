"""The commands of `python -m server`: as a program that is started, and without the half second
that each start takes."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.cli import main

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """With the exit code, and what was said."""

    code: int
    out: str
    errors: str


def started(*arguments: str, folder: Path, said: str = "", **environ: str) -> Ended:
    """A process of its own, in this folder; `said` is what comes on standard input."""
    done = subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def typed(*arguments: str, said: str = "", **environ: str) -> Ended:
    """The same in this process and in its folder."""
    out, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["python -m server", *arguments])
        patch.setattr(sys, "stdin", io.StringIO(said))
        for key, value in environ.items():
            patch.setenv(key, value)
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(errors),
            pytest.raises(SystemExit) as ended,
        ):
            main()
    assert isinstance(ended.value.code, int)
    return Ended(ended.value.code, out.getvalue(), errors.getvalue())

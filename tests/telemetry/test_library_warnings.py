"""What a library warns of is shown to whoever asked for it, and to nobody else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WARNING = "the name of a field means nothing here"
A_LIBRARY = f"""
import atexit, warnings
atexit.register(warnings.warn, {WARNING!r})
"""


@pytest.mark.parametrize(
    ("program", "options", "is_shown"),
    [("agent", (), False), ("server", (), False), ("agent", ("-W", "default"), True)],
)
def test_a_librarys_warning_is_shown_to_who_asks_alone(
    tmp_path: Path, program: str, options: tuple[str, ...], is_shown: bool
) -> None:
    (tmp_path / "sitecustomize.py").write_text(A_LIBRARY, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, *options, "-m", program, "--help"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (WARNING in ran.stderr) is is_shown

"""What tests that install share: an interpreter that makes environments quickly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripts.checkout import program


@pytest.fixture(scope="session")
def quick_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of these tests; its `-m venv` copies one that was made once (7 s each)."""
    folder = tmp_path_factory.mktemp("python")
    subprocess.run([sys.executable, "-m", "venv", folder / "template"], check=True)
    return program(
        folder / "python3",
        f"""if [[ "$1 $2" == "-m venv" ]]; then
            exec cp --archive '{folder}/template/.' "${{@: -1}}"
        fi
        exec '{sys.executable}' "$@" """,
    )

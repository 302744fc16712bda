"""What tests that install share: an interpreter that makes environments quickly."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.scripts.checkout import program


@pytest.fixture(scope="session")
def quick_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of these tests; its `-m venv` copies one that was made once.

    Its pip is that of these tests, as it was compiled: to unpack Python's own takes 7 s, and to
    compile one 2 s each time.
    """
    folder = tmp_path_factory.mktemp("python")
    template = folder / "template"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", template], check=True)
    ours, theirs = (
        Path(sysconfig.get_path("purelib", vars={"base": str(base), "platbase": str(base)}))
        for base in (sys.prefix, template)
    )
    for part in (*ours.glob("pip"), *ours.glob("pip-*.dist-info")):
        shutil.copytree(part, theirs / part.name)
    return program(
        folder / "python3",
        f"""if [[ "$1 $2" == "-m venv" ]]; then
            exec cp --archive '{folder}/template/.' "${{@: -1}}"
        fi
        exec '{sys.executable}' "$@" """,
    )

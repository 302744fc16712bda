"""A throwaway copy of the scripts with requirements of its own, to run them for real."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Checkout:
    """`root` has a space in its path; its requirements are empty, so that nothing is fetched."""

    root: Path

    @classmethod
    def make(cls, folder: Path) -> Checkout:
        root = folder / "a check out"
        shutil.copytree(ROOT / "scripts", root / "scripts")
        for kind in ("", "-agent", "-server", "-pi", "-dev"):
            (root / f"requirements{kind}.txt").touch()
        return cls(root)

    def bash(self, command: str, *, cwd: Path | None = None, **environment: str) -> Outcome:
        """Runs `command` with environment.sh sourced and `set -euo pipefail`."""
        script = self.root / "scripts" / "lib" / "environment.sh"
        return self.run(
            "bash", "-c", f'set -euo pipefail; source "$0"; {command}', str(script),
            cwd=cwd, **environment,
        )  # fmt: skip

    def run(self, *command: str, cwd: Path | None = None, **environment: str) -> Outcome:
        done = subprocess.run(
            command,
            cwd=cwd or self.root,
            env={**self.environment(), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "SIGHTPOST_PYTHON"}
        # pip's configuration of this machine would decide what the tests see
        return {name: value for name, value in kept.items() if not name.startswith("PIP_")}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended and what it said."""

    code: int
    out: str
    said: str


def program(path: Path, text: str) -> Path:
    """An executable bash script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{text}\n", "utf-8")
    path.chmod(0o755)
    return path

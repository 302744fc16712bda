"""A machine's file system in a folder, and a checkout that installs itself into it."""

from __future__ import annotations

import shutil
import site
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tests.scripts.checkout import ROOT, Checkout, Outcome

NOT_SHIPPED = {"tests", "benchmarks"}
SHIPPED = (
    *(
        path.parent.name
        for path in ROOT.glob("*/__init__.py")
        if path.parent.name not in NOT_SHIPPED
    ),
    *(
        "scripts",
        "systemd",
        "nginx",
        "docs",
        "pyproject.toml",
        ".env.example",
        "CHANGELOG.md",
        "LICENSE",
    ),
    *(path.name for path in ROOT.glob("README*.md")),
    *(path.name for path in ROOT.glob("*.sh")),
)
NOT_ASKED_FOR_SETTINGS = {
    *(Path("agent") / name for name in ("health", "outbox", "pipeline", "uplink", "web")),
    *(Path("server") / name for name in ("accounts", "analytics", "channels", "faces", "ingest")),
    *(Path("server") / name for name in ("storage", "watchlist", "web")),
    *(Path("vision") / name for name in ("detectors", "faces", "pool")),
}
"""To compile all of it is most of what an installation takes; what scripts run of the release are
commands that read the settings."""


@dataclass(frozen=True, slots=True)
class Image:
    """`root` is the machine's file system; `checkout` where somebody unpacked the code.

    `python` makes the environments.
    """

    root: Path
    checkout: Checkout
    python: Path

    @classmethod
    def make(cls, folder: Path, python: Path, checkout: Checkout | None = None) -> Image:
        """With accounts, systemd and nginx as Debian has them; of a fresh checkout by default."""
        root = folder / "image"
        for place in ("etc/systemd/system", "etc/nginx/sites-available", "etc/nginx/sites-enabled"):
            (root / place).mkdir(parents=True)
        (root / "etc/nginx/sites-available/default").touch()
        enabled = root / "etc/nginx/sites-enabled/default"
        enabled.symlink_to("/etc/nginx/sites-available/default")
        for name, text in {
            "passwd": "root:x:0:0:root:/root:/bin/bash\n",
            "shadow": "root:*:19000:0:99999:7:::\n",
            "group": "root:x:0:\nvideo:x:44:\n",
            "gshadow": "root:*::\nvideo:*::\n",
        }.items():
            (root / "etc" / name).write_text(text)
        return cls(root, checkout or Checkout(checkout_in(folder)), python)

    def runs(self, script: str, *arguments: str) -> Outcome:
        """As root, into the image."""
        return self.checkout.run(
            str(self.checkout.root / "scripts" / script),
            *arguments, "--root", str(self.root),
            SIGHTPOST_PYTHON=str(self.python),
        )  # fmt: skip

    def at(self, path: str) -> Path:
        return self.root / path.removeprefix("/")

    def user_id(self, name: str) -> int | None:
        for line in self.at("/etc/passwd").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split(":")[2])
        return None

    def enabled(self) -> set[str]:
        """The units that this machine would start."""
        wants = self.at("/etc/systemd/system").glob("*.wants/*")
        return {path.name for path in wants if path.is_symlink()}

    def contents(self) -> dict[str, object]:
        """Every file with its mode and content, to see whether something changed."""
        return {
            str(path.relative_to(self.root)): (
                path.lstat().st_mode,
                path.readlink() if path.is_symlink() else path.is_file() and path.read_bytes(),
            )
            for path in self.root.rglob("*")
        }


def checkout_in(folder: Path) -> Path:
    """The code as it is shipped, less what no command asks for that runs in these tests; its one
    requirement lets it see the packages of these tests."""

    def left_out(place: str, names: list[str]) -> set[str]:
        here = Path(place).relative_to(ROOT)
        return {
            name for name in names if name == "__pycache__" or here / name in NOT_ASKED_FOR_SETTINGS
        }

    root = folder / "checkout"
    root.mkdir()
    for name in SHIPPED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, symlinks=True, ignore=left_out)
        else:
            shutil.copy2(source, root / name, follow_symlinks=False)
    wheel = borrowing_wheel(folder)
    for kind in ("", "-agent", "-server", "-pi"):
        (root / f"requirements{kind}.txt").write_text(f"borrowed @ {wheel.as_uri()}\n")
    return root


def borrowing_wheel(folder: Path) -> Path:
    """A package of a single path: that of the packages which run these tests."""
    wheel = folder / "borrowed-1-py3-none-any.whl"
    info = "borrowed-1.dist-info"
    packages = "\n".join(
        path for path in (*site.getsitepackages(), *sys.path) if "-packages" in path
    )
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("borrowed.pth", packages + "\n")
        packed.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: borrowed\nVersion: 1\n")
        packed.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        packed.writestr(f"{info}/RECORD", "")
    return wheel

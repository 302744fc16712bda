#!/usr/bin/env python3
"""Writes the signatures of picamera2 that the camera source calls, from the package's source.

Downloads the source package with pip, parses it and never imports it (that needs a Raspberry Pi).
Tests hold our calls and the fake to what it writes.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "picamera2"
CLASSES = {
    "Picamera2": "picamera2/picamera2.py",
    "CompletedRequest": "picamera2/request.py",
    "Job": "picamera2/job.py",
}
USED = (
    *("camera_controls", "create_video_configuration", "configure", "set_controls", "start"),
    *("capture_request", "cancel_all_and_flush", "stop", "close"),
    *("make_array", "get_metadata", "release", "get_result"),
)
WRITTEN = Path(__file__).resolve().parents[1] / "tests/fakes/picamera2_signatures.json"


def download(folder: Path, version: str | None) -> Path:
    """The source package, as pip finds it."""
    wanted = PACKAGE if version is None else f"{PACKAGE}=={version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    subprocess.run([*command, "--no-binary", ":all:", "-d", str(folder), wanted], check=True)
    return next(folder.glob(f"{PACKAGE}-*.tar.gz"))


def signatures(source: str, class_name: str) -> dict[str, list[str]]:
    """Parameters of the class's used methods; of overloads the last, which has a body, counts.

    `name`, `name=` with a default, `*name` for one that is given by name only.
    """
    return {
        method.name: _parameters(method)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and node.name == class_name
        for method in node.body
        if isinstance(method, ast.FunctionDef) and method.name in USED
    }


def _parameters(method: ast.FunctionDef) -> list[str]:
    arguments = method.args
    names = [*arguments.posonlyargs, *arguments.args][1:]
    first_default = len(names) - len(arguments.defaults)
    listed = [one.arg + "=" * (place >= first_default) for place, one in enumerate(names)]
    keyword_only = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return listed + [f"*{one.arg}" + "=" * (default is not None) for one, default in keyword_only]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version", nargs="?", help="of picamera2; default: the newest")
    version = parser.parse_args().version
    with tempfile.TemporaryDirectory() as name:
        package = download(Path(name), version)
        digest = hashlib.sha256(package.read_bytes()).hexdigest()
        root = package.name.removesuffix(".tar.gz")
        with tarfile.open(package) as archive:
            sources = {
                path: (archive.extractfile(f"{root}/{path}") or _missing(path)).read().decode()
                for path in CLASSES.values()
            }
    written = {
        "package": PACKAGE,
        "version": root.removeprefix(f"{PACKAGE}-"),
        "sha256": digest,
        "made_by": "scripts/picamera_signatures.py",
        "classes": {name: signatures(sources[path], name) for name, path in CLASSES.items()},
    }
    WRITTEN.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    print(f"{WRITTEN}: {PACKAGE} {written['version']}")
    return 0


def _missing(path: str) -> Any:
    raise FileNotFoundError(f"{PACKAGE} has no {path} any more: adapt CLASSES")


if __name__ == "__main__":
    sys.exit(main())

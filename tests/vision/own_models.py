"""A folder of models with a `models.toml`, as people who bring their own have one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


def entry(
    name: str,
    file: bytes,
    *,
    pixels: str,
    decoder: str = "",
    path: str = "",
    form: str = "onnx",
    licence: str = "ours",
    labels: tuple[str, ...] = (),
) -> str:
    """The text of one model; its file is `path`, or `NAME.onnx`."""
    lines = [
        f'[[model]]\nname = "{name}"\ntask = "t"\nkind = "file"\npath = "{path or f"{name}.onnx"}"',
        f'format = "{form}"\ninput = "{pixels}"\nlicence = "{licence}"\naddress = ""',
        f'size_bytes = {len(file)}\nsha256 = "{hashlib.sha256(file).hexdigest()}"',
    ]
    if decoder:
        lines.append(f'decoder = "{decoder}"')
    if labels:
        lines.append(f"labels = {json.dumps(labels)}")
    return "\n".join(lines) + "\n\n"


def write_manifest(folder: Path, *entries: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "models.toml").write_text("".join(entries), encoding="utf-8")

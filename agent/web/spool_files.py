"""From a file name that somebody asks for to a picture of this camera, or to nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from agent.web.errors import NotThere

KINDS: Final = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}


def picture_in(spool: Path, name: str) -> tuple[Path, str]:
    """The file and its media type. Raises NotThere for whatever lies elsewhere, however it is
    written: links are followed before it is looked where they lead."""
    folder = spool.resolve()
    # Older rows name the folder too.
    name = name.removeprefix(f"{spool.name}/")
    try:
        path = (folder / name).resolve()
        is_there = path.is_relative_to(folder) and path.is_file()
    except (OSError, ValueError):
        is_there = False
    kind = KINDS.get(Path(name).suffix.lower())
    if not is_there or kind is None:
        raise NotThere("there is no such picture: it may have been given up for room, or pruned")
    return path, kind

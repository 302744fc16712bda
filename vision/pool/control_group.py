"""What the system grants this process of its memory. Asks, never allocates."""

from __future__ import annotations

from pathlib import Path


def group_limit_bytes(root: Path = Path("/")) -> int | None:
    """What this process's control group grants (cgroup v2 `memory.max`), None where unlimited."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        hierarchy, _, path = line.split(":", 2)
        if hierarchy == "0":
            limits = [_limit(root, folder) for folder in _upwards(path)]
            return min((limit for limit in limits if limit is not None), default=None)
    return None


def _upwards(path: str) -> list[str]:
    """A group and those around it: each of them limits. The outermost that is seen has a limit in
    a container, whose own group it is."""
    parts = [part for part in path.split("/") if part]
    return ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]


def _limit(root: Path, folder: str) -> int | None:
    try:
        said = (root / "sys/fs/cgroup" / folder / "memory.max").read_text(encoding="ascii")
        return int(said)
    except (OSError, ValueError):
        return None  # no such file, or "max"

"""Messages as nobody should send them: seeded mutations of the golden messages. No I/O."""

from __future__ import annotations

import base64
import copy
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

Json = Any
_SURPRISES: Final[tuple[Json, ...]] = (
    None, True, False, 0, -1, 1, 955, 2**31, 2**53, 2**63, -(2**63), 2**64, 10**400, 1e308,
    -1e-320, "", " ", "0", "NaN", "a\0b", "\ud800", "é", "é", "กก 1", "🚗" * 40, "x" * 65,
    "x" * 256, "y" * 5000, "2024-08-06T10:30:00", "9999-12-31T23:59:59+14:00",
    "0001-01-01T00:00:00", "2024-02-30T00:00:00Z", "data:image/jpeg;base64,", "data:,x",
    "/9j/", "%%%", [], {}, [[]],
    [1, 2, 3, 4], {"a": {"b": [None]}}, "lpr_detection", "users", "insert",
    "evicted", "present",
)  # fmt: skip
_RAW: Final = (
    b"NaN", b"Infinity", b"-0", b"1e999", b'"\\ud800"', b'"\\u0000"', b"\xff\xfe", b"[", b"}",
    b"\0",    b'"a":1,"a":2', b"\xef\xbb\xbf", b"// x", b"1" * 400, b"[" * 2000, b'{"a":' * 2000,
)  # fmt: skip
_MOST_CONTAINERS: Final = 100
_LARGE_ONE_IN: Final = 4000
_BINARY_ONE_IN: Final = 500
_LARGE_BYTES: Final = (1_000_000, 7_000_000, 9_000_000)


@dataclass(frozen=True, slots=True)
class Message:
    """What to send: a text frame (perhaps no UTF-8), or a binary one."""

    content: bytes
    is_text: bool


class Mutator:
    """The same seed gives the same messages."""

    def __init__(self, shapes: Sequence[bytes], seed: int) -> None:
        self._shapes = [json.loads(shape) for shape in shapes]
        self._random = random.Random(seed)
        self._number = 0

    def message(self) -> Message:
        """The next one; some are valid, and about half of the pictures whole."""
        self._number += 1
        if self._random.randrange(_BINARY_ONE_IN) == 0:
            return Message(self._random.randbytes(self._random.randrange(200)), False)
        tree = self._fresh(self._random.choice(self._shapes))
        for _ in range(self._random.choice((0, 0, 1, 1, 1, 2, 5))):
            tree = self._random.choice(self._tree_changes)(self, tree)
        content = self._written(tree)
        for _ in range(self._random.choice((0, 0, 0, 0, 1, 1, 3))):
            content = self._random.choice(self._byte_changes)(self, content)
        if self._random.randrange(_LARGE_ONE_IN) == 0:
            size = self._random.choice(_LARGE_BYTES)
            content = self._written(
                {**tree, "padding": "z" * size} if isinstance(tree, dict) else []
            )
        return Message(content, True)

    def _written(self, tree: Json) -> bytes:
        text = json.dumps(tree, ensure_ascii=self._random.random() < 0.3)
        return text.encode("utf-8", "surrogatepass")

    def _fresh(self, shape: Json) -> Json:
        """A copy with ids and times of its own, so that it is not a mere duplicate."""
        tree = json.loads(json.dumps(shape))
        rows = tree.get("rows") if isinstance(tree, dict) else None
        for row in rows or ():
            row["id"] = f"{self._random.getrandbits(128):032x}"
            row["id"] = "-".join(
                (row["id"][:8], row["id"][8:12], "7" + row["id"][13:16], "8" + row["id"][17:20],
                 row["id"][20:])
            )  # fmt: skip
            row["sequence"] = self._random.randrange(1, 10**6)
        if isinstance(tree, dict) and isinstance(tree.get("data"), dict):
            tree["data"]["timestamp"] = f"2024-08-06T10:30:{self._number % 60:02}.{self._number:06}"
        return tree

    def _surprise(self) -> Json:
        return copy.deepcopy(self._random.choice(_SURPRISES))

    def _replace(self, tree: Json) -> Json:
        place, key = self._place(tree)
        if place is None:
            return self._surprise()
        place[key] = self._surprise()
        return tree

    def _remove(self, tree: Json) -> Json:
        place, key = self._place(tree)
        if place is not None:
            del place[key]
        return tree

    def _deepen(self, tree: Json) -> Json:
        place, key = self._place(tree)
        if place is not None:
            for _ in range(self._random.choice((1, 31, 33, 200))):
                place[key] = [place[key]]
        return tree

    def _double(self, tree: Json) -> Json:
        place, key = self._place(tree)
        if len(_containers(tree)) > _MOST_CONTAINERS:
            return tree  # copies of copies would grow without end
        if isinstance(place, list):
            place.extend([place[key]] * self._random.choice((1, 3, 600)))
        elif isinstance(place, dict):
            place[f"{key}_"] = place[key]
        return tree

    def _spoil_picture(self, tree: Json) -> Json:
        for holder in _holders(tree, "image"):
            text = holder["image"]
            try:
                content = bytearray(base64.b64decode(str(text).rpartition(",")[2]))
            except ValueError:
                continue
            for _ in range(self._random.choice((1, 1, 4, 40))):
                if content:
                    content[self._random.randrange(len(content))] = self._random.randrange(256)
            if self._random.random() < 0.3:
                content = content[: self._random.randrange(len(content) + 1)]
            holder["image"] = base64.b64encode(content).decode()
        return tree

    def _place(self, tree: Json) -> tuple[Json, Json]:
        """A random container in the tree with one of its keys; (None, None) where there is none."""
        places = [
            (each, key)
            for each in _containers(tree)
            for key in (each if isinstance(each, dict) else range(len(each)))
        ]
        return self._random.choice(places) if places else (None, None)

    def _flip(self, content: bytes) -> bytes:
        changed = bytearray(content)
        for _ in range(self._random.choice((1, 1, 8))):
            if changed:
                changed[self._random.randrange(len(changed))] ^= 1 << self._random.randrange(8)
        return bytes(changed)

    def _cut(self, content: bytes) -> bytes:
        first, last = sorted(self._random.randrange(len(content) + 1) for _ in range(2))
        return content[:first] + content[last:] if self._random.random() < 0.5 else content[:last]

    def _insert(self, content: bytes) -> bytes:
        at = self._random.randrange(len(content) + 1)
        return content[:at] + self._random.choice(_RAW) + content[at:]

    def _repeat(self, content: bytes) -> bytes:
        first, last = sorted(self._random.randrange(len(content) + 1) for _ in range(2))
        return content[:last] + content[first:last] + content[last:]

    _tree_changes: tuple[Callable[[Mutator, Json], Json], ...] = (
        _replace, _replace, _replace, _remove, _deepen, _double, _spoil_picture,
    )  # fmt: skip
    _byte_changes: tuple[Callable[[Mutator, bytes], bytes], ...] = (_flip, _cut, _insert, _repeat)


def _containers(tree: Json) -> list[Json]:
    found, waiting = [], [tree]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict | list):
            found.append(each)
            waiting.extend(each.values() if isinstance(each, dict) else each)
    return found


def _holders(tree: Json, key: str) -> list[dict[str, Json]]:
    return [each for each in _containers(tree) if isinstance(each, dict) and each.get(key)]

"""Many patterns with wildcards, found by one text at once: a tree of their characters. Pure.

A hundred thousand patterns share their beginnings, so a text follows a few dozen branches, also
where all of them begin with `*`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

ANY: Final = "*"
ONE: Final = "?"
CROWD: Final = 8
"""A node with more unfinished patterns than this branches out."""


class _Node:
    """`rest` are patterns that came this far, with what is left of them; `branches` None: none of
    them went on yet."""

    __slots__ = ("branches", "rest")

    def __init__(self) -> None:
        self.branches: dict[str, _Node] | None = None
        self.rest: list[tuple[str, int]] = []


class PatternTree:
    """Patterns by a number each; `*` stands for any characters, `?` for one."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, pattern: str, number: int) -> None:
        node, left = self._node_of(pattern, is_made=True)
        node.rest.append((left, number))
        self._branch_out(node)

    def remove(self, pattern: str, number: int) -> None:
        """One that was added."""
        node, left = self._node_of(pattern, is_made=False)
        node.rest.remove((left, number))

    def find(self, text: str) -> set[int]:
        """The numbers of all patterns that the whole text matches."""
        found: set[int] = set()
        for node, at in self._reached(text):
            found.update(number for left, number in node.rest if matches(left, text, at))
        return found

    def _node_of(self, pattern: str, *, is_made: bool) -> tuple[_Node, str]:
        """The last node on the pattern's way, and what of it is left there."""
        node = self._root
        for at, character in enumerate(pattern):
            if node.branches is None:
                return node, pattern[at:]
            following = node.branches.get(character)
            if following is None and is_made:
                following = node.branches[character] = _Node()
            if following is None:
                raise KeyError(pattern)
            node = following
        return node, ""

    def _branch_out(self, node: _Node) -> None:
        if node.branches is not None or sum(bool(left) for left, _ in node.rest) <= CROWD:
            return
        waiting = [each for each in node.rest if each[0]]
        node.rest = [each for each in node.rest if not each[0]]
        node.branches = {}
        for left, number in waiting:
            node.branches.setdefault(left[0], _Node()).rest.append((left[1:], number))
        for following in node.branches.values():
            self._branch_out(following)

    def _reached(self, text: str) -> Iterator[tuple[_Node, int]]:
        """Nodes with how many characters of the text led there, each once."""
        waiting, seen = [(self._root, 0)], set()
        while waiting:
            node, at = waiting.pop()
            if (id(node), at) in seen:
                continue
            seen.add((id(node), at))
            yield node, at
            branches = node.branches
            if branches is None:
                continue
            if at < len(text):
                ways = (branches.get(text[at]), branches.get(ONE))
                waiting += [(following, at + 1) for following in ways if following is not None]
            if (following := branches.get(ANY)) is not None:
                waiting += [(following, further) for further in range(at, len(text) + 1)]


def matches(pattern: str, text: str, at: int = 0) -> bool:
    """Whether the pattern is the whole text from `at` on."""
    here, star, again = 0, -1, 0
    while at < len(text):
        if here < len(pattern) and pattern[here] == ANY:
            star, again = here, at
            here += 1
        elif here < len(pattern) and pattern[here] in (text[at], ONE):
            here, at = here + 1, at + 1
        elif star >= 0:  # the last star takes one more
            again += 1
            here, at = star + 1, again
        else:
            return False
    return all(character == ANY for character in pattern[here:])

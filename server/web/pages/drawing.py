"""HTML as values: made once for everybody who looks, and one element of a page however long it is.

An element of NiceGUI for each tag would cost the server far more, in time and in memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

Part = tuple[str, Mapping[str, Any], Sequence["Part | str"]]
"""Kind of the element, its attributes, what is in it. Every text becomes a text node."""


def part(kind: str, classes: str = "", /, *within: Part | str | None, **attributes: Any) -> Part:
    """As `tag` has them: attributes that are None or False are left out, `_` in names is `-`.

    `key` tells a part among its siblings, so that a browser keeps what it has of it.
    """
    given = {
        key.strip("_").replace("_", "-"): value
        for key, value in attributes.items()
        if value is not None and value is not False
    }
    if classes:
        given["class"] = classes
    return kind, given, tuple(each for each in within if each is not None)


def written(*parts: Part) -> str:
    """As they are sent: one text costs each page that gets it next to nothing."""
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


class Drawing(ui.element, component="drawing.js"):
    """Shows what `written` gave, in an element of the page."""

    def __init__(self, shown: str) -> None:
        super().__init__()
        self.props["shown"] = self._shown = shown

    def show(self, shown: str) -> None:
        """Nothing is sent where it is the same."""
        if shown != self._shown:
            self.props["shown"] = self._shown = shown
            self.update()

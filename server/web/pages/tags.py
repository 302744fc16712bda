"""HTML elements as the pages use them: every text is a text node, every attribute a value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from nicegui import ui
from nicegui.events import GenericEventArguments

_FIELDS: Final = (
    "(event) => { event.preventDefault(); emit(Object.fromEntries(new FormData(event.target))); }"
)


def tag(kind: str, /, classes: str = "", text: str | None = None, **attributes: Any) -> ui.element:
    """An element; attributes that are None or False are left out, `_` in their names is `-`.

    Of an input, `value` is what stands there at first: what is typed is never written over.
    """
    made = ui.label(text) if text is not None else ui.element()
    made.tag = kind
    if classes:
        made.classes(classes)
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.strip("_").replace("_", "-")
        made.props["^value" if attribute == "value" and kind == "input" else attribute] = value
    return made


def link(text: str, href: str, classes: str = "", **attributes: Any) -> ui.element:
    return tag("a", classes, text, href=href, **attributes)


def button(
    text: str,
    pressed: Callable[[], Awaitable[object] | object],
    classes: str = "",
    **attributes: Any,
) -> ui.element:
    """A button that does something on the server."""
    made = tag("button", classes, text, type="button", **attributes)
    made.on("click", lambda _: pressed(), args=[])
    return made


def form(
    sent: Callable[[dict[str, str]], Awaitable[object] | object], classes: str = ""
) -> ui.element:
    """A form whose named fields come as one dictionary when it is sent, not before."""

    def take(event: GenericEventArguments) -> Awaitable[object] | object:
        given = event.args if isinstance(event.args, dict) else {}
        return sent({str(name): str(value) for name, value in given.items()})

    return tag("form", classes).on("submit", take, js_handler=_FIELDS)


def field(label: str, name: str, classes: str = "", **attributes: Any) -> ui.element:
    """An input with its label above; returns the input."""
    with tag("label", classes):
        tag("span", text=label)
        return tag("input", name=name, **attributes)


def choice(
    label: str, name: str, options: list[tuple[str, str]], chosen: str = "", **attributes: Any
) -> ui.element:
    """A drop-down list of (value, text) with its label above."""
    with tag("label"):
        tag("span", text=label)
        with tag("select", name=name, **attributes) as made:
            for value, text in options:
                tag("option", text=text, value=value, selected=value == chosen)
    return made


def tile(value: str, name: str, level: str | None = None) -> None:
    """A figure with its name below."""
    with tag("div", "tile", data_level=level):
        tag("b", text=value)
        tag("span", "break", name)


def icon(name: str) -> ui.element:
    """One of static/icons, in the colour of the text around it."""
    return tag("span", "icon", data_icon=name, aria_hidden="true")

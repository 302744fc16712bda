"""Dialogs: a sheet over the page that asks one thing."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator

from nicegui import ui

from server.web.pages.tags import button, tag


@contextlib.contextmanager
def sheet(heading: str) -> Iterator[ui.dialog]:
    """A dialog with a heading; open and close it by what is given."""
    with ui.dialog() as dialog, tag("div", "sheet"):
        tag("h2", text=heading)
        yield dialog


def ending(dialog: ui.dialog, yes: str) -> Callable[[str], None]:
    """The end of a sheet's form: Cancel, and what sends it. Returns what says above them why it was
    refused; a note at the foot of the screen would lie over them."""
    problem = tag("p", "problem", "", role="alert")
    with tag("div", "controls"):
        button("Cancel", dialog.close, "quiet")
        tag("button", "main", yes, type="submit")

    def refuse(text: str) -> None:
        assert isinstance(problem, ui.label)  # noqa: S101 - it was made with a text
        problem.set_text(f"{text[:1].upper()}{text[1:]}")

    return refuse


def confirming(
    heading: str, text: str, yes: str, confirmed: Callable[[], Awaitable[object]]
) -> ui.dialog:
    """Asks before something is done that cannot be undone."""
    with sheet(heading) as dialog:
        tag("p", "break", text)

        async def go() -> None:
            dialog.close()
            await confirmed()

        with tag("div", "controls"):
            button("Cancel", dialog.close, "quiet")
            button(yes, go, "danger")
    return dialog

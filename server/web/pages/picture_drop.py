"""A place on a page to drop pictures on, or to press and choose them; each comes as it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from nicegui import ui
from nicegui.events import UploadEventArguments

from server.faces.contract import Upload
from server.web.pages.shell import complain
from server.web.pages.tags import icon, tag

MOST_BYTES: Final = 20 * 1024 * 1024
_LONGEST_NAME: Final = 80
_STAYS: Final = "(event) => event.preventDefault()"


def picture_drop(
    text: str, taken: Callable[[Upload], Awaitable[object]], *, is_multiple: bool = False
) -> ui.element:
    """`taken` gets every picture; the browser's file is named as its owner calls it."""

    async def take(event: UploadEventArguments) -> None:
        content = await event.file.read()
        await taken(Upload(name=_name(event.file.name), content=content))

    sender = ui.upload(
        auto_upload=True,
        multiple=is_multiple,
        max_file_size=MOST_BYTES,
        on_upload=take,
        on_rejected=lambda: complain(
            f"That was not sent: no picture, or larger than {MOST_BYTES // 1024 // 1024} MB"
        ),
    )
    sender.props("accept=image/*").classes("spoken")
    sender.on("failed", lambda: complain("The picture could not be sent: try again"), args=[])
    sender.on("finish", lambda: sender.reset(), args=[])  # not before: that ends the others too
    number = sender.id
    with tag("button", "drop", type="button") as place:
        icon("people")
        tag("span", text=text)
        tag("small", "soft", "or press to choose a file")
    place.on("click", js_handler=f"() => runMethod({number}, 'pickFiles', [])")
    place.on("dragover", js_handler=_STAYS)
    place.on(
        "drop",
        js_handler="(event) => { event.preventDefault(); "
        f"runMethod({number}, 'addFiles', [event.dataTransfer.files]); }}",
    )
    return place


def _name(text: str) -> str:
    """For messages: what the sender calls it, made harmless."""
    shown = "".join(each for each in text if each.isprintable())
    return shown[:_LONGEST_NAME] or "picture"

"""People: the pages of the face gallery, and what is at the head of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from nicegui import ui

from server.accounts.permissions import Permission
from server.errors import NotThere
from server.faces.contract import GalleryStatus
from server.faces.history_contract import FaceGallery
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.shell import Visit, title
from server.web.pages.tags import link, tag

VIEWS: Final = (
    ("Persons", "/people"),
    ("Identify", "/people/identify"),
    ("Matches", "/people/matches"),
    ("Unknown", "/people/unknown"),
)


def gallery_of(centre: Centre) -> FaceGallery:
    """Raises NotThere where the server has none."""
    if centre.faces is None:
        raise NotThere(
            "this server has no face gallery: SERVER_FACES=false was set; leave it out and start "
            "the server again"
        )
    return centre.faces


@contextmanager
def people_title(visit: Visit, text: str, *, soft: str = "") -> Iterator[None]:
    """Heading and the switch between the views; what is built within stands at its end."""
    path = visit.request.url.path
    with title(text, soft=soft), tag("div", "end"):
        with tag("div", "switch", role="group", aria_label="People"):
            for word, href in VIEWS:
                link(word, href, aria_current="true" if href == path else None)
        yield


def tell_problem(status: GalleryStatus) -> None:
    """What keeps faces from being found, and what to do."""
    if status.problem is not None:
        _tell(status.problem)
    elif status.waiting:
        _tell(
            f"{status.waiting:,} pictures have no vector of {status.model} yet, so that nobody is "
            "found by them: python -m server faces re-embed"
        )


def _tell(text: str) -> None:
    """A command in it is chosen whole by one click, to be copied."""
    with tag("p", "notice break", role="status"):
        for piece, is_command in wording.commands_apart(text):
            tag("code" if is_command else "span", "command" if is_command else "", piece)


def face_picture(source: str | None, alt: str, classes: str = "face") -> ui.element:
    """A face, or its empty place."""
    if source is None:
        return tag("span", classes, "", role="img", aria_label=f"{alt}: no picture")
    return tag("img", classes, src=source, alt=alt, loading="lazy", decoding="async")


SEES: Final = Permission.SEE_PEOPLE

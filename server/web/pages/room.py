"""How many pages are open at once: each takes the server a megabyte or two, and beside it rows have
to be taken."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from nicegui import Client

from server.errors import TooBusy
from server.web.security.demands import current_caller

MOST_OF_ONE: Final = 60
"""Of one account, and of all who use this machine without one."""
MOST: Final = 300


def make_room(newcomer: Client, present: Iterable[Client]) -> None:
    """Gives up the oldest page that no browser has a line to, where there are too many with the
    newcomer. Raises TooBusy where all have one."""
    others = sorted((each for each in present if each is not newcomer), key=lambda one: one.created)
    own = [each for each in others if _owner(each) == _owner(newcomer)]
    for pages, most in ((own, MOST_OF_ONE), (others, MOST)):
        if len(pages) < most:
            continue
        idle = next((each for each in pages if not each.has_socket_connection), None)
        if idle is None:
            raise TooBusy(f"{len(pages)} pages are open already: close some, then load this again")
        give_up(idle)
        return


def give_up(page: Client) -> None:
    """At once; NiceGUI may still wait for its browser to come back, and would fail afterwards."""
    for waiting in page._delete_tasks.values():  # noqa: SLF001 - there is no other way to end it
        waiting.cancel()
    page.delete()


def _owner(client: Client) -> str:
    return current_caller(client.request).name

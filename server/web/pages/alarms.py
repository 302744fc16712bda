"""New alerts on every open page: asked for once for all of them, shown as a line with a sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

import structlog
from nicegui import Client, ui

from server.accounts.contract import Caller
from server.accounts.permissions import Permission
from server.bell import Bell
from server.errors import ServerError
from server.watchlist.contract import Alert, AlertFilter, Alerts
from server.web.pages.tags import button, link, tag
from server.web.pages.wording import clock

IDLE_S: Final = 3600.0
RETRY_S: Final = 5.0
MOST_COUNTED: Final = 20
"""New ones at once; of more it is said that there are."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """The newest alerts that somebody may see, the newest first, at most MOST_COUNTED."""

    alerts: tuple[Alert, ...]

    def since(self, alert_id: int) -> tuple[Alert, ...]:
        """Those that came after that one."""
        return tuple(each for each in self.alerts if each.id > alert_id)


Shown = Callable[[News], None]


class AlarmBoard:
    """Looks when there is something new, and tells every page that is open."""

    def __init__(self, alerts: Alerts, alerted: Bell, zone: tzinfo) -> None:
        self._zone = zone
        self._alerts = alerts
        self._alerted = alerted
        self._pages: dict[Client, tuple[bool, Shown]] = {}

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            rings = self._alerted.rings
            wait_s = IDLE_S
            try:
                if self._pages:
                    news = {each: await self.news(with_persons=each) for each in (False, True)}
                    self._tell(news)
            except ServerError as error:
                _log.warning("alerts cannot be shown", reason=str(error))
                wait_s = RETRY_S
            await self._alerted.heard(rings, within_s=wait_s)

    async def news(self, *, with_persons: bool) -> News:
        """Raises StorageUnavailable."""
        chosen = AlertFilter(with_persons=with_persons)
        return News(alerts=(await self._alerts.page(chosen, limit=MOST_COUNTED)).alerts)

    async def on_page(self, caller: Caller) -> None:
        if not caller.may(Permission.SEE_ALERTS):
            return
        client, with_persons = ui.context.client, caller.may(Permission.SEE_PEOPLE)
        line = AlarmLine(self._zone, await self.news(with_persons=with_persons))
        self._pages[client] = (with_persons, line.show)
        client.on_delete(lambda: self._pages.pop(client, None) and None)

    def _tell(self, news: dict[bool, News]) -> None:
        for client, (with_persons, shown) in tuple(self._pages.items()):
            if client.has_socket_connection:
                with client:
                    shown(news[with_persons])


class AlarmLine:
    """On one page: a line over everything for an alert that came while it was open."""

    def __init__(self, zone: tzinfo, news: News) -> None:
        self._zone = zone
        self._last = news.alerts[0].id if news.alerts else 0
        with tag("div", "alarm", role="alert") as self._line:
            self._text = tag("span", "break")
            with tag("span", "controls flush"):
                self._link = link("Show", "/alerts", "button low")
                button("Dismiss", self._dismiss, "low quiet")
        self._line.visible = False

    def show(self, news: News) -> None:
        fresh = news.since(self._last)
        if not fresh:
            return
        newest = fresh[0]
        self._last = newest.id
        self._text.clear()
        with self._text:
            tag("b", "plate", newest.plate or newest.listed or "a face")
            at = clock(newest.captured_at, self._zone)
            tag("span", text=f" {newest.list_name} · {newest.device_id} · {at}")
            if text := and_more(len(fresh)):
                tag("span", "soft", text)
        self._link.props["href"] = f"/alerts?alert={newest.id}"
        self._link.update()
        self._line.visible = True
        ui.run_javascript("window.sightpostAlarm()")

    def _dismiss(self) -> None:
        self._line.visible = False


def and_more(fresh: int) -> str:
    """How many came beside the one that is shown."""
    if fresh < 2:
        return ""
    return f" and {'at least ' if fresh == MOST_COUNTED else ''}{fresh - 1} more"

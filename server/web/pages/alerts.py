"""Alerts: what was raised, and what people say of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final
from urllib.parse import urlencode

from nicegui import ui

from server.accounts.permissions import Permission
from server.errors import QuestionInvalid, ServerError
from server.watchlist.contract import (
    Alert,
    AlertChange,
    AlertFilter,
    AlertPage,
    Source,
    Verdict,
    Watchlist,
)
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.sheets import ending, sheet
from server.web.pages.shell import Visit, complain, empty, note, page, title
from server.web.pages.sighting_card import camera_address, picture_address
from server.web.pages.tags import button, choice, field, form, link, tag

PAGE: Final = 50
_OPEN: Final = [("", "open"), ("all", "all"), ("false", "false alarms"), ("real", "real")]
_LEVELS: Final = {Verdict.NONE: None, Verdict.REAL: "good", Verdict.FALSE_ALARM: "warn"}


def add_alerts(centre: Centre) -> None:
    @page(centre, "/alerts", title="Alerts", permission=Permission.SEE_ALERTS)
    async def alerts(visit: Visit) -> None:
        lists: tuple[Watchlist, ...] = ()
        if visit.caller.may(Permission.SEE_WATCHLISTS):
            lists = await centre.watchlists.lists()
        with title("Alerts"):
            count = tag("p", "soft number", "")
            _ways(visit)
        _filter(visit, lists)
        await _Alerts(centre, visit, count).show()


def _ways(visit: Visit) -> None:
    with tag("div", "end"):
        tag("button", "quiet", "Sound is on", type="button", data_alarm_switch=True)
        if visit.caller.may(Permission.SEE_WATCHLISTS):
            link("Watchlists", "/watchlists", "button")
        if visit.caller.may(Permission.MANAGE_CHANNELS):
            link("Channels", "/channels", "button")


def _filter(visit: Visit, lists: tuple[Watchlist, ...]) -> None:
    shape = "card filter" if lists else "card filter three"
    with tag("form", shape, method="get", action="/alerts", role="search"):
        field(
            *("Plate", "plate"),
            value=visit.asked("plate"),
            type="search",
            maxlength=64,
            data_key="/",
            autocomplete="off",
        )
        choice("Show", "state", _OPEN, visit.asked("state"))
        if lists:
            names = [("", "all lists"), *((str(each.id), each.details.name) for each in lists)]
            choice("List", "list", names, visit.asked("list"))
        with tag("div", "filter-end"):
            tag("button", "main", "Show", type="submit")


def chosen_of(visit: Visit) -> AlertFilter:
    """What the address asks for. Raises QuestionInvalid."""
    state = visit.asked("state")
    if state not in {value for value, _ in _OPEN}:
        raise QuestionInvalid(f"state={state[:40]}: expected all, false or real")
    verdicts = {"false": Verdict.FALSE_ALARM, "real": Verdict.REAL}
    return AlertFilter(
        list_id=visit.number("list"),
        plate=visit.asked("plate")[:64],
        is_open=None if state else True,
        verdict=verdicts.get(state),
        with_persons=visit.caller.may(Permission.SEE_PEOPLE),
    )


def _nothing(visit: Visit) -> None:
    if any(visit.asked(key) for key in ("plate", "state", "list", "alert", "before")):
        with empty("No alert is like that", "Try fewer characters, another list or all of them."):
            link("Show those that are open", "/alerts", "button")
        return
    with empty("No open alert", "Alerts are listed here until somebody acknowledges them."):
        link("Show all alerts", "/alerts?state=all", "button")


class _Alerts:
    """The list, shown anew after each change, with how many are open."""

    def __init__(self, centre: Centre, visit: Visit, count: ui.element) -> None:
        self._count = count
        self._centre = centre
        self._visit = visit
        self._may_judge = visit.caller.may(Permission.JUDGE_ALERTS)
        self._chosen = chosen_of(visit)
        self._before = visit.number("before")
        self._one = visit.number("alert")
        self._place = tag("div", "stack")

    async def show(self) -> None:
        if self._one is not None:
            alert = await self._centre.alerts.one(self._one)
            is_hidden = alert.source is Source.FACES and not self._chosen.with_persons
            found = AlertPage(alerts=() if is_hidden else (alert,), next_before=None)
        else:
            found = await self._centre.alerts.page(self._chosen, before=self._before, limit=PAGE)
        with_persons = self._chosen.with_persons
        count = await self._centre.alerts.count_open(with_persons=with_persons)
        assert isinstance(self._count, ui.label)  # noqa: S101 - it was made with a text
        self._count.set_text(f"{wording.number(count)} open")
        self._place.clear()
        with self._place:
            if found.alerts:
                self._table(found.alerts)
            else:
                _nothing(self._visit)
            self._further(found)

    def _table(self, alerts: tuple[Alert, ...]) -> None:
        with tag("section", "card flush scroll", aria_label="Alerts"), tag("table", "stacks"):
            with tag("thead"), tag("tr"):
                for name in ("", "Seen", "List", "Captured", "State", ""):
                    tag("th", text=name)
            with tag("tbody"):
                for alert in alerts:
                    self._row(alert)

    def _row(self, alert: Alert) -> None:
        zone = self._centre.zone
        with tag("tr", data_alert=alert.id):
            with tag("td", "thumb unneeded"):
                if alert.source is Source.PLATES:
                    address = picture_address(alert.sighting_id)
                    tag("img", src=address, alt="", width=76, height=57, loading="lazy")
            with tag("td", "first"):
                name = alert.plate or alert.listed or "a face"
                if alert.source is Source.PLATES:
                    link(name, f"/sightings/{alert.sighting_id}", "plate name")
                else:
                    tag("b", text=name)
                if alert.listed and alert.listed != alert.plate:
                    tag("small", text=f"listed as {alert.listed}")
                if alert.likelihood < 1:
                    tag("small", text=f"{wording.share(alert.likelihood)} likely")
            with tag("td", data_name="List"):
                tag("span", "break", alert.list_name)
                if alert.reason:
                    tag("small", text=alert.reason)
            with tag("td", "when second"):
                tag("span", "number", wording.moment(alert.captured_at, zone))
                with tag("small"):
                    link(alert.device_id, camera_address(alert.device_id), "name break")
                if alert.repeats:
                    again = wording.plural(alert.repeats, "time", "times")
                    tag("small", text=f"again {again} soon after")
            with tag("td", data_name="State"):
                self._state(alert)
            with tag("td", "whole"):
                if self._may_judge:
                    self._actions(alert)

    def _state(self, alert: Alert) -> None:
        if alert.is_open:
            tag("span", "tag", "open", data_level="bad")
        else:
            word = "acknowledged" if alert.verdict is Verdict.NONE else alert.verdict.value
            tag("span", "tag", word, data_level=_LEVELS[alert.verdict])
            tag("small", text=f"by {alert.acknowledged_by}")
        if alert.note:
            tag("small", "break", alert.note)

    def _actions(self, alert: Alert) -> None:
        with tag("div", "controls flush"):
            if alert.is_open:
                button("Acknowledge", lambda: self._say(alert, AlertChange()), "low main")
            for word, verdict in (("Real", Verdict.REAL), ("False alarm", Verdict.FALSE_ALARM)):
                if alert.verdict is not verdict:
                    change = AlertChange(verdict=verdict)
                    button(word, partial(self._say, alert, change), "low")
            if not alert.is_open:
                button("Open again", lambda: self._say(alert, AlertChange(is_open=True)), "low")
            button("Note …", lambda: self._noting(alert), "low quiet")

    def _noting(self, alert: Alert) -> None:
        async def go(given: dict[str, str]) -> None:
            await self._say(alert, AlertChange(note=given.get("note", "")), refuse)

        with self._place, sheet("Note") as dialog, form(go, "fields"):
            field("Note", "note", value=alert.note, maxlength=200, autocomplete="off")
            refuse = ending(dialog, "Save")
        dialog.open()

    async def _say(
        self, alert: Alert, change: AlertChange, refuse: Callable[[str], None] = complain
    ) -> None:
        try:
            await self._centre.alerts.change(self._visit.caller, alert.id, change)
        except ServerError as error:
            refuse(str(error))
            return
        note("Noted")
        await self.show()

    def _further(self, found: AlertPage) -> None:
        asked = {
            key: self._visit.asked(key)
            for key in ("plate", "state", "list")
            if self._visit.asked(key)
        }
        with tag("nav", "pager", aria_label="Pages of alerts"):
            if self._before or self._one:
                link("Newest", f"/alerts?{urlencode(asked)}", "button", rel="first")
            if found.next_before is not None:
                older = urlencode({**asked, "before": found.next_before})
                link("Older", f"/alerts?{older}", "button", rel="next")

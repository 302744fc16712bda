"""The overview: cameras and whether they are well, how much passes, what passed last; live."""

from __future__ import annotations

from nicegui import ui

from server.accounts.permissions import Permission
from server.web.pages import charts
from server.web.pages.centre import Centre
from server.web.pages.drawing import Drawing, written
from server.web.pages.live import LiveBoard
from server.web.pages.overview_drawing import Look, Looks
from server.web.pages.shell import Visit, page, title
from server.web.pages.tags import link, tag
from server.web.pages.viewing import Viewers


def add_overview(centre: Centre, board: LiveBoard, viewers: Viewers) -> None:
    looks = Looks(centre.zone)

    @page(centre, "/", title="Overview", permission=Permission.SEE_CAMERAS)
    async def overview(visit: Visit) -> None:
        snapshot = await board.now()
        sees_sightings = visit.caller.may(Permission.SEE_SIGHTINGS)
        shown = _Overview(looks.of(snapshot), sees_sightings=sees_sightings)
        viewers.show(ui.context.client, board, lambda newer: shown.update(looks.of(newer)))


class _Overview:
    """The elements of one open page; `update` changes what is different in a new look."""

    def __init__(self, look: Look, *, sees_sightings: bool) -> None:
        self._sees_sightings = sees_sightings
        with title("Overview"), tag("div", "end"):
            self._state = tag("span", "dot number live", "")
        self._fault = tag("p", "notice", "", data_level="bad", role="alert")
        self._tiles = Drawing(look.tiles).classes("tiles")
        with tag("div", "split"):
            with tag("section", "card flush", aria_label="Cameras"):
                with tag("header"):
                    tag("h2", text="Cameras")
                    link("All cameras", "/cameras")
                self._cameras = Drawing(look.cameras)
            with tag("section", "card", aria_label="Sightings per minute"):
                with tag("header"):
                    tag("h2", text="Sightings per minute")
                    tag("span", "soft small", "the last hour")
                self._chart = charts.chart(
                    look.chart, xAxis=look.times, yAxis=charts.value_axis(whole=True)
                )
        with tag("section", "stack", aria_label="Latest sightings") as self._passed:
            tag("h2", text="Latest sightings")
            self._latest = Drawing(look.latest if sees_sightings else written()).classes("shots")
        self._shown_chart = look.chart
        self.update(look)

    def update(self, look: Look) -> None:
        _say(self._state, look.state)
        _mark(self._state, "bad" if look.fault else None)
        _say(self._fault, look.fault)
        self._fault.visible = bool(look.fault)
        self._tiles.show(look.tiles)
        self._cameras.show(look.cameras)
        if look.chart != self._shown_chart:
            self._shown_chart = look.chart
            self._chart.run_chart_method("setOption", {"series": look.chart, "xAxis": look.times})
        if self._sees_sightings:
            self._latest.show(look.latest)
        self._passed.visible = self._sees_sightings and look.has_latest


def _say(element: ui.element, text: str) -> None:
    if isinstance(element, ui.label):
        element.text = text


def _mark(element: ui.element, level: str | None) -> None:
    if element.props.get("data-level") != level:
        element.props.set_optional("data-level", level)

"""What the centre's disk holds by size and day, giving up what is old, and the server's counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from nicegui import ui

from server.accounts.contract import Action
from server.accounts.permissions import Permission
from server.errors import QuestionInvalid, ServerError
from server.storage.reading.data import DataSizes, DaySize, PrunePreview, PruneState, StatsPoint
from server.web.pages import charts, wording
from server.web.pages.centre import Centre
from server.web.pages.sheets import confirming
from server.web.pages.shell import Visit, complain, note, page, title
from server.web.pages.tags import field, form, tag, tile

_DAYS: Final = 31
_TABLES: Final = {
    "lpr_detections": "Sightings",
    "face_detections": "Faces",
    "health_monitors": "Health checks",
    "evictions": "Evictions",
    "server_stats": "Server's counts",
    "message_ledger": "Ids of rows ever taken",
}


def add_data(centre: Centre) -> None:
    @page(centre, "/data", title="Data", permission=Permission.SEE_DATA)
    async def data(visit: Visit) -> None:
        sizes = await centre.library.data.sizes(days=_DAYS)
        now = centre.now()
        begin = now - timedelta(days=1)
        stats = await centre.library.data.stats(since=begin, until=now)
        title("Data")
        _tiles(sizes)
        with tag("div", "halves"):
            _tables(centre, sizes)
            _Pruning(centre, visit, sizes)
        _by_day(sizes.days)
        _stats(centre, stats, begin, now)


def _tiles(sizes: DataSizes) -> None:
    with tag("div", "tiles"):
        tile(wording.size(sizes.database_bytes + sizes.log_bytes), "database")
        if sizes.picture_bytes is None:
            tile(wording.plural(sizes.picture_files, "day"), "of pictures")
        else:
            files = wording.plural(sizes.picture_files, "file")
            tile(wording.size(sizes.picture_bytes), f"pictures, {files}")
        if sizes.disk_free_bytes is not None and sizes.disk_total_bytes is not None:
            _disk_tile(sizes.disk_free_bytes, sizes.disk_total_bytes)
        kept = "kept for ever" if not sizes.retention_days else f"{sizes.retention_days:,} days"
        tile(kept, "retention, SERVER_RETENTION_DAYS")


def _disk_tile(free_bytes: int, total_bytes: int) -> None:
    share = 100 * (total_bytes - free_bytes) / max(1, total_bytes)
    level = "bad" if share > 95 else "warn" if share > 85 else None
    tile(wording.size(free_bytes), f"free on the disk, {share:.0f}% used", level)


def _tables(centre: Centre, sizes: DataSizes) -> None:
    with tag("section", "card flush", aria_label="Tables"):
        with tag("header"):
            tag("h2", text="Tables")
        with tag("table", "stacks"):
            with tag("thead"), tag("tr"):
                for name in ("Table", "Rows", "Size, about"):
                    tag("th", "" if name == "Table" else "number", name)
            with tag("tbody"):
                for table in sizes.tables:
                    with tag("tr"):
                        with tag("td", "first"):
                            tag("span", text=_TABLES.get(table.name, table.name))
                            oldest = wording.moment(table.oldest_at, centre.zone)[:10]
                            since = "" if table.oldest_at is None else f", since {oldest}"
                            tag("small", text=f"{table.name}{since}")
                        tag("td", "number", wording.number(table.rows), data_name="Rows")
                        size = wording.size(table.about_bytes)
                        tag("td", "number nowrap", size, data_name="Size, about")
        tag("p", "soft small break", sizes.database).style("padding: 8px 16px 16px")


def _by_day(days: tuple[DaySize, ...]) -> None:
    if not days:
        return
    with tag("section", "card", aria_label="By day"):
        with tag("header"):
            tag("h2", text="What arrived")
            tag("span", "soft small", "by day, in UTC")
        with tag("div", "halves"):
            with tag("figure"):
                tag("figcaption", "soft small", "Sightings")
                _day_chart([(day, float(day.sightings)) for day in days], "sightings")
            known = [(day, day.picture_bytes) for day in days if day.picture_bytes is not None]
            if known:
                with tag("figure"):
                    tag("figcaption", "soft small", "Pictures, MB")
                    _day_chart([(day, round(size / 1e6, 1)) for day, size in known], "MB")


def _day_chart(values: list[tuple[DaySize, float]], name: str) -> None:
    in_order = list(reversed(values))
    charts.chart(
        [charts.counted(name, [value for _, value in in_order])],
        xAxis=charts.named_axis([f"{day.day:%d %b}" for day, _ in in_order]),
    ).classes("low")


def _stats(centre: Centre, stats: tuple[StatsPoint, ...], begin: datetime, end: datetime) -> None:
    with tag("section", "card", aria_label="The server"):
        with tag("header"):
            tag("h2", text="The server")
            tag("span", "soft small", "the last 24 hours, from server_stats")
        if not stats:
            tag("p", "empty", "Nothing was counted in this time.")
            return
        zone = centre.zone
        with tag("div", "charts"):
            for name, colour, points in (
                (
                    "Cameras connected",
                    "accent",
                    [(p.at, float(p.active_connections)) for p in stats],
                ),
                ("Rows stored", "good", [(p.at, float(p.messages_processed)) for p in stats]),
                ("Errors", "bad", [(p.at, float(p.errors)) for p in stats]),
            ):
                with tag("figure"):
                    tag("figcaption", "soft small", name)
                    charts.chart(
                        [charts.line(name, points, colour, zone)],
                        xAxis=charts.over_time(begin, end, zone),
                        yAxis=charts.value_axis(whole=True),
                    ).classes("low")


class _Pruning:
    """Asks for an age, shows what giving up would take, asks again, shows how far it has come."""

    def __init__(self, centre: Centre, visit: Visit, sizes: DataSizes) -> None:
        self._centre = centre
        self._visit = visit
        with tag("section", "card", aria_label="Give up what is old"):
            tag("h2", text="Give up what is old")
            tag(
                "p",
                "soft",
                "Rows and pictures that arrived before a day are deleted and the disk is freed. "
                "Ids are kept longer, so that a late duplicate stays out.",
            ).style("margin: 8px 0 12px")
            days = sizes.retention_days or 365
            with form(self._preview), tag("div", "fields"):
                field(
                    *("Older than, days", "days"),
                    type="number",
                    min=1,
                    max=36500,
                    value=days,
                    required=True,
                )
                tag("button", text="Show what would go", type="submit")
            self._place = tag("div", "stack").style("margin-top: 16px")
        state = centre.library.pruning.state()
        if state is not None:
            self._show_state(state)
        self._watch = ui.timer(1.0, self._look, active=state is not None and state.is_running)

    async def _preview(self, given: dict[str, str]) -> None:
        days = int(given["days"]) if given.get("days", "").isdigit() else 0
        self._place.clear()
        with self._place:
            tag("p", "soft", "Looking at every row: this takes seconds on a large database.")
        try:
            preview = await self._centre.library.pruning.preview(
                older_than_days=days, now=self._centre.now()
            )
        except ServerError as error:
            self._place.clear()
            with self._place:
                tag("p", "problem", str(error), role="alert")
            return
        self._show_preview(preview, days)

    def _show_preview(self, preview: PrunePreview, days: int) -> None:
        self._place.clear()
        rows = sum(preview.rows.values())
        with self._place:
            if not rows and not preview.picture_files:
                tag(
                    "p",
                    "notice",
                    f"Nothing arrived before {preview.rows_before}.",
                    data_level="good",
                )
                return
            with tag("dl"):
                tag("dt", text="Before")
                tag("dd", "number", f"{preview.rows_before} (UTC)")
                for table, count in preview.rows.items():
                    if count:
                        tag("dt", text=_TABLES.get(table, table))
                        tag("dd", "number", wording.plural(count, "row"))
                tag("dt", text="Pictures")
                pictures = wording.size(preview.picture_bytes)
                files = wording.plural(preview.picture_files, "file")
                tag("dd", "number", f"{pictures} in {files}")
            if not self._visit.caller.may(Permission.DELETE_DATA):
                tag("p", "soft small", "Giving up data needs an administrator.")
                return
            what = wording.plural(rows, "row")
            dialog = confirming(
                "Give this up for good?",
                f"{what} and {pictures} of pictures that arrived before {preview.rows_before} "
                "are deleted. There is no way back but a backup.",
                "Give up",
                lambda: self._start(days, f"{what}, {pictures}"),
            )
            tag("button", "danger", "Give up …", type="button").on("click", dialog.open, args=[])

    async def _start(self, days: int, what: str) -> None:
        centre, caller = self._centre, self._visit.caller
        try:
            if not caller.may(Permission.DELETE_DATA):
                raise QuestionInvalid("you may not give up data")
            await centre.auditor.audit(caller, Action.DELETION, f"older than {days} days", what)
            state = await centre.library.pruning.start(older_than_days=days, now=centre.now())
        except ServerError as error:
            complain(str(error))
            return
        self._show_state(state)
        self._watch.activate()

    def _look(self) -> None:
        state = self._centre.library.pruning.state()
        if state is None:
            return
        self._show_state(state)
        if not state.is_running:
            self._watch.deactivate()
            note("Done" if state.fault is None else "Ended before its time")

    def _show_state(self, state: PruneState) -> None:
        self._place.clear()
        with self._place:
            if state.is_running:
                steps = f"{state.done_steps} of {state.all_steps} steps"
                tag("p", text=f"Giving up what arrived before {state.rows_before}: {steps}")
                tag("progress", max=max(1, state.all_steps), value=state.done_steps)
            elif state.fault is not None:
                tag("p", "problem", f"It ended before its time: {state.fault}", role="alert")
            else:
                freed = wording.size(state.freed_bytes)
                text = f"Given up: all before {state.rows_before}; {freed} freed."
                tag("p", "notice", text, data_level="good", role="status")

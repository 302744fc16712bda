"""*Nothing missing*: what a camera says it captured against what is here, and every difference."""

from __future__ import annotations

from typing import Final

from server.storage.reading.cameras import (
    CameraBooks,
    CameraDetail,
    CameraReport,
    DayBooks,
    EvictionNote,
    Gap,
    GapCause,
)
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.tags import link, tag

_LONGEST_DAYS: Final = 31
_LEVELS: Final = {
    GapCause.UNEXPLAINED: "bad",
    GapCause.REFUSED: "bad",
    GapCause.WAITING: "warn",
    GapCause.EVICTED: "warn",
}
_PARTS: Final = ("acknowledged", "waiting", "refused", "evicted", "unexplained")


async def books_view(centre: Centre, detail: CameraDetail, days: int) -> None:
    device_id = detail.card.device_id
    books = await centre.library.cameras.books(
        device_id, until=centre.now().date(), days=max(1, min(days, _LONGEST_DAYS))
    )
    _verdict(books)
    if books.report is not None:
        _report(centre, books.report)
    _days(books)
    _gaps(centre, books)
    _evictions(centre, books.evictions)
    _stores(centre, books)


def _verdict(books: CameraBooks) -> None:
    """One sentence on whether all is accounted for."""
    unexplained = sum(day.unexplained for day in books.days)
    refused = sum(day.refused for day in books.days)
    waiting = sum(day.waiting for day in books.days)
    evicted = sum(day.evicted for day in books.days)
    if unexplained:
        level, text = (
            "bad",
            (
                f"{wording.plural(unexplained, 'row')} captured in these days "
                f"{'is' if unexplained == 1 else 'are'} not here, and nothing says why."
            ),
        )
    elif waiting or refused or evicted:
        told = ", ".join(
            f"{wording.number(count)} {name}"
            for count, name in ((waiting, "waiting"), (refused, "refused"), (evicted, "given up"))
            if count
        )
        level, text = "warn", f"Every row is accounted for; of those that are not here: {told}."
    else:
        level, text = "good", "Nothing is missing: every row captured in these days is here."
    tag("p", "notice", text, data_level=level, role="status")


def _report(centre: Centre, report: CameraReport) -> None:
    with tag("section", "card", aria_label="What the camera says"):
        with tag("header"):
            tag("h2", text="What the camera says")
            tag("span", "soft small number", f"at {wording.zoned(report.at, centre.zone)}")
        with tag("p", "sum"):
            for value, name, sign in (
                (report.captured, "captured", "="),
                (report.acknowledged, "acknowledged", "+"),
                (report.waiting, "waiting", "+"),
                (report.refused, "refused", "+"),
                (report.evicted, "evicted", ""),
            ):
                with tag("span", "nowrap"):
                    tag("b", text=wording.number(value))
                    tag("small", text=f" {name}")
                if sign:
                    tag("span", "soft", sign)
        tag(
            "p",
            "soft small",
            "All rows of its present database as it stood then, whatever their day. Below are "
            "those of the days shown, also captured since.",
        )


def _days(books: CameraBooks) -> None:
    with tag("section", "card flush", aria_label="Day by day"):
        with tag("header"):
            tag("h2", text="Day by day")
            kept = f"; older ones than {books.kept_since} were given up" if books.kept_since else ""
            tag("span", "soft small", f"days in UTC, of capture{kept}")
        if not books.days:
            tag("p", "empty", "Nothing was captured in these days.")
            return
        with tag("div", "scroll"), tag("table", "stacks"):
            with tag("thead"), tag("tr"):
                tag("th", text="Day")
                for name in ("captured", *_PARTS):
                    tag("th", "number", name.capitalize())
            with tag("tbody"):
                for day in books.days:
                    _day(day)


def _day(day: DayBooks) -> None:
    with tag("tr", data_level="bad" if day.unexplained else None):
        with tag("td", "first"):
            tag("span", "number", day.day.isoformat())
            with tag("span", "bars", role="img", aria_label="Shares of the day"):
                for part in _PARTS:
                    count = getattr(day, part)
                    if count:
                        width = 100 * count / max(1, day.captured)
                        tag("i", data_kind=part).style(f"width: {width:.2f}%")
        tag("td", "number", wording.number(day.captured), data_name="Captured")
        for part in _PARTS:
            count = getattr(day, part)
            soft = "" if count else " soft"
            tag("td", f"number{soft}", wording.number(count), data_name=part.capitalize())


def _gaps(centre: Centre, books: CameraBooks) -> None:
    if not books.gaps:
        return
    with tag("section", "card flush", aria_label="Gaps"):
        with tag("header"):
            tag("h2", text="Gaps in the sequence")
            if books.more_gaps:
                tag("span", "soft small", f"and {wording.number(books.more_gaps)} more")
        with tag("div", "scroll"), tag("table", "stacks"):
            with tag("thead"), tag("tr"):
                between = f"Captured between, {wording.zone_name(centre.zone, centre.now())}"
                for name in ("Cause", "Numbers", between, "Why"):
                    tag("th", text=name)
            with tag("tbody"):
                for gap in books.gaps:
                    _gap(centre, gap)


def _gap(centre: Centre, gap: Gap) -> None:
    numbers = f"{gap.first:,}" if gap.count == 1 else f"{gap.first:,} to {gap.last:,}"
    with tag("tr"):
        with tag("td", "second"):
            tag("span", "tag state", gap.cause.value, data_level=_LEVELS[gap.cause])
        with tag("td", "first"):
            tag("span", "number nowrap", numbers)
            tag("small", text=wording.plural(gap.count, "row"))
        between = [
            "its beginning" if gap.after is None else wording.moment(gap.after, centre.zone),
            wording.moment(gap.before, centre.zone),
        ]
        with tag("td", "number soft whole"):
            for one in between:
                tag("span", "nowrap", one).style("display: block")
        tag("td", "break whole", gap.explanation)


def _evictions(centre: Centre, evictions: tuple[EvictionNote, ...]) -> None:
    if not evictions:
        return
    with tag("section", "card flush", aria_label="Evictions"):
        with tag("header"):
            tag("h2", text="What the camera gave up")
        with tag("div", "scroll"), tag("table", "stacks"):
            with tag("thead"), tag("tr"):
                when = f"When, {wording.zone_name(centre.zone, centre.now())}"
                for name in (when, "What", "Size", "Why"):
                    tag("th", "number" if name == "Size" else "", name)
            with tag("tbody"):
                for eviction in evictions:
                    with tag("tr"):
                        tag("td", "number when first", wording.moment(eviction.at, centre.zone))
                        what = "pictures" if eviction.kind == "picture" else "rows"
                        with tag("td", "whole"):
                            tag("span", text=f"{wording.number(eviction.count)} {what}")
                            tag("small", text=eviction.table)
                        tag("td", "number nowrap second", wording.size(eviction.size_bytes))
                        with tag("td", "break whole"):
                            tag("span", text=eviction.message or eviction.reason)


def _stores(centre: Centre, books: CameraBooks) -> None:
    """Its databases, one after the other: more than one where a corrupt one was set aside."""
    if not books.epochs:
        return
    with tag("section", "card flush", aria_label="Its databases"):
        with tag("header"):
            tag("h2", text="Ever taken from it")
        with tag("div", "scroll"), tag("table", "stacks"):
            with tag("thead"), tag("tr"):
                for name in ("Database", "Rows captured", "Stored here", "Missing", "Last heard"):
                    tag("th", "" if name == "Database" else "number", name)
            with tag("tbody"):
                for epoch in books.epochs:
                    with tag("tr"):
                        tag("td", "first break", epoch.epoch or "older exchange, without numbers")
                        tag(
                            "td",
                            "number",
                            wording.number(epoch.captured),
                            data_name="Captured",
                        )
                        tag("td", "number", wording.number(epoch.rows_stored), data_name="Stored")
                        tag("td", "number", wording.number(epoch.missing), data_name="Missing")
                        last = wording.moment(epoch.last_received_at, centre.zone)
                        tag("td", "number soft nowrap", last, data_name="Last heard")
    with tag("p", "soft small"):
        tag("span", text="Rows that were pruned here count as stored. ")
        link("Sizes and retention", "/data")

"""The viewer: one sighting in full, those before and after it a key away, and correcting it."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from nicegui import ui

from server.accounts.contract import Action
from server.accounts.permissions import Permission
from server.errors import QuestionInvalid, ServerError, TookTooLong
from server.storage.reading.sightings import SightingCard, SightingDetail
from server.web.pages.asking import Asked, asked_of
from server.web.pages.centre import Centre
from server.web.pages.evidence_view import evidence_views, facts_view, history_view, picture_view
from server.web.pages.sheets import sheet
from server.web.pages.shell import Visit, complain, note, page, title
from server.web.pages.sighting_card import shown_plate
from server.web.pages.sightings import PAGE
from server.web.pages.tags import button, field, form, icon, link, tag

_LONGEST_PLATE: Final = 64


def add_viewer(centre: Centre) -> None:
    @page(
        centre,
        "/sightings/{sighting_id:int}",
        title="Sighting",
        permission=Permission.SEE_SIGHTINGS,
    )
    async def viewer(visit: Visit) -> None:
        walk = _Walk(
            centre, asked_of(visit.request.query_params, centre.zone), visit.asked("after")
        )
        detail = await centre.library.sightings.detail(
            int(visit.request.path_params["sighting_id"])
        )
        await walk.begin(detail.card)
        shown = _Viewer(centre, visit, walk)
        shown.show(detail)


class _Walk:
    """The list in which the sighting stands, as far as it was read: where one came from."""

    def __init__(self, centre: Centre, asked: Asked, cursor: str) -> None:
        self._centre = centre
        self.asked = asked
        self.cursor = cursor
        self._cards: list[SightingCard] = []
        self._further: str | None = cursor or None
        self._at = 0

    async def begin(self, card: SightingCard) -> None:
        """A sighting that is not on that page of the list stands alone."""
        # A cursor of another list, or a search that takes too long: there is no way on.
        with suppress(QuestionInvalid, TookTooLong):
            await self._read(self._further)
        numbers = [one.id for one in self._cards]
        if card.id in numbers:
            self._at = numbers.index(card.id)
        else:
            self._cards, self._further = [card], None

    async def step(self, by: int) -> int | None:
        """The id of the next one; None where there is none."""
        if self._at + by >= len(self._cards) and self._further:
            await self._read(self._further)
        if not 0 <= self._at + by < len(self._cards):
            return None
        self._at += by
        return self._cards[self._at].id

    def has(self, by: int) -> bool:
        return 0 <= self._at + by < len(self._cards) or (by > 0 and bool(self._further))

    async def _read(self, cursor: str | None) -> None:
        found = await self._centre.library.sightings.page(
            self.asked.chosen, order=self.asked.order, cursor=cursor, limit=PAGE
        )
        self._cards += found.cards
        self._further = found.next_cursor


class _Viewer:
    """Shows a sighting, and another in its place."""

    def __init__(self, centre: Centre, visit: Visit, walk: _Walk) -> None:
        self._centre = centre
        self._visit = visit
        self._walk = walk
        self._view = visit.asked("view")
        self._place = tag("div", "stack")

    def show(self, detail: SightingDetail) -> None:
        self._place.clear()
        with self._place:
            self._head(detail)
            with tag("div", "detail"):
                picture_view(detail)
                with tag("div", "stack"):
                    history_view(detail, self._centre.zone)
                    facts_view(detail, self._centre.zone)
                evidence_views(detail, self._centre.zone)
            with tag("p", "soft small keys"):
                for key, what in (
                    ("←", "before"),
                    ("→", "after"),
                    ("C", "correct"),
                    ("Esc", "back"),
                ):
                    tag("span", "key", key)
                    tag("span", text=f" {what}   ").style("white-space: pre")

    def _head(self, detail: SightingDetail) -> None:
        back = self._walk.asked.address(after=self._walk.cursor, view=self._view)
        link("← Sightings", back, "back", data_key="Escape")
        with title(shown_plate(detail.card), classes="plate"):
            if detail.card.is_corrected:
                tag("span", "tag", "corrected")
            with tag("div", "end"):
                if self._visit.caller.may(Permission.CORRECT):
                    self._correcting(detail)
                for key, name, by in (("ArrowLeft", "previous", -1), ("ArrowRight", "next", 1)):
                    self._stepping(key, name, by)

    def _stepping(self, key: str, name: str, by: int) -> None:
        async def go() -> None:
            try:
                found = await self._walk.step(by)
                if found is None:
                    return
                detail = await self._centre.library.sightings.detail(found)
            except ServerError as error:
                complain(str(error))
                return
            self.show(detail)
            address = self._walk.asked.address(
                f"/sightings/{found}", after=self._walk.cursor, view=self._view
            )
            with self._place:  # what was pressed is gone by now
                ui.navigate.history.replace(address)

        stepping = button("", go, "square", aria_label=f"{name} sighting", data_key=key)
        stepping.props.set_bool("disabled", not self._walk.has(by))
        with stepping:
            icon(name)

    def _correcting(self, detail: SightingDetail) -> None:
        card = detail.card
        with sheet("Correct the reading") as dialog:
            tag(
                "p",
                "soft",
                f"The camera read {card.read_plate or 'nothing'}. That is kept beside it.",
            )

            async def correct(given: dict[str, str]) -> None:
                plate = given.get("plate", "").strip()
                if await self._change(card.id, plate, given.get("note", "").strip()):
                    dialog.close()

            with form(correct, "fields"):
                field("Plate", "plate", value=card.plate, maxlength=_LONGEST_PLATE, required=True)
                field("Why (may be empty)", "note", maxlength=200)
                with tag("div", "controls"):
                    button("Cancel", dialog.close, "quiet")
                    tag("button", "main", "Save", type="submit")
        button("Correct", dialog.open, data_key="c")
        if detail.corrections:

            async def undo() -> None:
                await self._change(card.id, None, "")

            button("Undo", undo, "quiet", title="Back to what was held before")

    async def _change(self, sighting_id: int, plate: str | None, why: str) -> bool:
        """Holds it to be that, None: what was held before. Tells what is wrong."""
        centre, caller = self._centre, self._visit.caller
        now = centre.now()
        try:
            if not caller.may(Permission.CORRECT):
                raise QuestionInvalid("you may not correct readings")
            said = "undone" if plate is None else f"to {plate}"
            await centre.auditor.audit(caller, Action.CORRECTION, f"sighting {sighting_id}", said)
            if plate is None:
                await centre.library.corrections.undo(sighting_id, by=caller.name, now=now)
            else:
                await centre.library.corrections.correct(
                    sighting_id, plate, by=caller.name, now=now, note=why
                )
            detail = await centre.library.sightings.detail(sighting_id)
        except ServerError as error:
            complain(str(error))
            return False
        note("Corrected" if plate is not None else "Undone")
        self.show(detail)
        return True

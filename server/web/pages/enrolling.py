"""Enrolling somebody new, or adding pictures of somebody who is."""

from __future__ import annotations

from nicegui import ui

from server.accounts.permissions import Permission
from server.errors import QuestionInvalid, ServerError
from server.faces.contract import Enrolment
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.gathering import Gathering
from server.web.pages.people import gallery_of, tell_problem
from server.web.pages.person_form import details_of, person_fields
from server.web.pages.shell import Visit, complain, page, title
from server.web.pages.tags import button, form, link, tag


def add_enrolling(centre: Centre) -> None:
    @page(centre, "/people/new", title="Enrol", permission=Permission.ENROL_PEOPLE)
    async def enrol(visit: Visit) -> None:
        faces = gallery_of(centre)
        link("← People", "/people", "back", data_key="Escape")
        title("Enrol")
        tell_problem(await faces.status())
        with tag("div", "split"):
            with tag("div", "stack"):
                gathering = Gathering(centre, faces, visit, lambda: ready())
            with tag("section", "card", aria_label="Who it is"):
                tag("h2", text="Who it is")

                async def go(given: dict[str, str]) -> None:
                    try:
                        details = details_of(given, centre.zone)
                        _check(gathering)
                        done = await faces.enrol(
                            visit.caller, details, gathering.good, source=_source(gathering)
                        )
                    except ServerError as error:
                        complain(str(error))
                        return
                    _told(done)

                with form(go, "fields"):
                    person_fields(None, centre.zone)
                    with tag("div", "controls"):
                        tag("button", "main", "Enrol", type="submit")
                        word = tag("span", "soft small", "", role="status")

        def ready() -> None:
            _count(word, gathering)

        ready()
        await _begun(visit, gathering)

    @page(
        centre,
        "/people/{class_id:int}/pictures",
        title="Add pictures",
        permission=Permission.ENROL_PEOPLE,
    )
    async def more(visit: Visit) -> None:
        faces = gallery_of(centre)
        person = await faces.person(visit.caller, int(visit.request.path_params["class_id"]))
        link(f"← {person.details.name}", f"/people/{person.class_id}", "back", data_key="Escape")

        async def go() -> None:
            try:
                _check(gathering)
                done = await faces.add_pictures(
                    visit.caller, person.class_id, gathering.good, source=_source(gathering)
                )
            except ServerError as error:
                complain(str(error))
                return
            _told(done)

        with title(f"More pictures of {person.details.name}"), tag("div", "end"):
            word = tag("span", "soft small", "", role="status")
            button("Add", go, "main")
        gathering = Gathering(centre, faces, visit, lambda: _count(word, gathering))
        _count(word, gathering)
        await _begun(visit, gathering)


async def _begun(visit: Visit, gathering: Gathering) -> None:
    """With the face that the address names, and the newest ones to choose from."""
    wanted = visit.number("sighting")
    if wanted is not None:
        await gathering.add_sighting(wanted)
    await gathering.show_cameras()


def _check(gathering: Gathering) -> None:
    if not gathering.good:
        raise QuestionInvalid("a picture is missing in which the face is good enough")


def _count(word: ui.element, gathering: Gathering) -> None:
    if isinstance(word, ui.label):
        word.text = f"{wording.plural(len(gathering.good), 'picture')} good enough"


def _source(gathering: Gathering) -> str:
    return "camera" if gathering.is_of_cameras else "upload"


def _told(done: Enrolment) -> None:
    """Shows the person; what was refused at last is said there."""
    for each in done.refused:
        complain(f"{each.name}: {each.reason}")
    ui.navigate.to(f"/people/{done.person.class_id}")

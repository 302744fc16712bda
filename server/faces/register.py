"""Who is enrolled, what is held on them, and its end: the part of the service that keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from server.accounts.contract import Action, Caller, CallerKind
from server.accounts.permissions import Permission
from server.errors import NotThere
from server.faces.contract import (
    ForgetReport,
    GalleryStatus,
    Person,
    PersonFilter,
    PersonPage,
    PictureCard,
    ResetKind,
)
from server.faces.looking import thumbnail
from server.faces.workplace import MAKING_READY, Workplace

RETENTION: Final = Caller(
    kind=CallerKind.MACHINE,
    name="retention",
    address="this machine",
    permissions=frozenset({Permission.FORGET_PEOPLE}),
)
"""Who forgets those whose time is over, for the audit log."""

_log = structlog.get_logger(__name__)


class Register:
    """See `contract.Faces`."""

    def __init__(self, place: Workplace) -> None:
        self._place = place

    async def persons(
        self, caller: Caller, wanted: PersonFilter, *, offset: int = 0, limit: int = 50
    ) -> PersonPage:
        found = await self._place.store.page(wanted, offset=offset, limit=limit)
        asked = _asked_by(wanted)
        if found.persons or asked:  # that nobody of a name is here says something of them, too
            await self._place.audit(
                caller, Action.PERSON_SEEN, "list of persons", f"from {offset}{asked}"
            )
        return found

    async def person(self, caller: Caller, class_id: int) -> Person:
        found = await self._place.store.person(class_id)
        await self._place.audit(caller, Action.PERSON_SEEN, f"person {class_id}")
        return found

    async def pictures_of(self, caller: Caller, class_id: int) -> tuple[PictureCard, ...]:
        found = await self._place.store.pictures_of(class_id)
        await self._place.audit(caller, Action.PERSON_SEEN, f"person {class_id}")
        return found

    async def picture(self, caller: Caller, image_id: int) -> bytes:
        content = await self._place.store.picture(image_id)
        await self._place.audit(caller, Action.PERSON_SEEN, f"enrolment picture {image_id}")
        return content

    async def covers(self, caller: Caller, class_ids: Sequence[int]) -> Mapping[int, bytes]:
        if not class_ids:
            return {}
        await self._place.audit(
            caller, Action.PERSON_SEEN, "pictures of persons", f"shown {list(class_ids)}"
        )
        found = await self._place.store.first_pictures(class_ids)
        return await asyncio.to_thread(
            lambda: {class_id: thumbnail(content) for class_id, content in found.items()}
        )

    async def export(self, caller: Caller, class_id: int) -> bytes:
        content = await self._place.store.archive(class_id, self._place.now())
        await self._place.audit(caller, Action.PERSON_EXPORTED, f"person {class_id}")
        return content

    async def forget(self, caller: Caller, class_id: int) -> ForgetReport:
        await self._place.store.person(class_id)
        await self._place.audit(caller, Action.PERSON_FORGOTTEN, f"person {class_id}", "forgotten")
        self._place.desk.forget()
        report = await self._place.store.forget(class_id, self._place.now())
        left = "nothing is left" if report.is_gone else "something is left: see the server's log"
        detail = f"pictures: {report.pictures}; {left}"
        await self._place.audit(caller, Action.PERSON_FORGOTTEN, f"person {class_id}", detail)
        return report

    async def forget_overdue(self) -> tuple[int, ...]:
        """Forgets those whose time is over, unknown visitors among them; who of the enrolled."""
        now = self._place.now()
        await self._place.store.drop_old(now)
        forgotten = []
        for class_id in await self._place.store.overdue(now):
            try:
                await self.forget(RETENTION, class_id)
            except NotThere:
                _log.info("a person was forgotten elsewhere meanwhile", class_id=class_id)
                continue
            forgotten.append(class_id)
        return tuple(forgotten)

    async def status(self) -> GalleryStatus:
        place = self._place
        models = place.models
        counted = await place.store.counted()
        return GalleryStatus(
            model=None if models.key is None else models.key.name,
            model_version=None if models.key is None else models.key.version,
            detector=models.detector,
            numbers=None if models.key is None else models.key.numbers,
            persons=counted.persons,
            pictures=counted.pictures,
            indexed=0 if place.is_preparing else await place.store.indexed(),
            waiting=counted.waiting,
            revision=counted.revision,
            problem=MAKING_READY if place.is_preparing else models.problem,
        )

    async def reset(self, caller: Caller, kind: ResetKind) -> GalleryStatus:
        await self._place.audit(caller, Action.PERSON_FORGOTTEN, "face index", kind.value)
        if kind is ResetKind.EVERYBODY:
            self._place.desk.forget()
            await self._place.store.forget_everybody()
        await self._place.store.rebuild()
        return await self.status()


def _asked_by(wanted: PersonFilter) -> str:
    """What was asked for, without the words: the audit log outlives whom they name."""
    asked = {"name": wanted.name, "place": wanted.place}
    return "".join(f", by {field}" for field, value in asked.items() if value.strip())

"""Entries of the audit log that come at once go to the disk together; each waits for that."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from server.accounts.contract import Action
from server.accounts.noting import MOST_AT_ONCE, Note, Notes
from server.errors import QuestionInvalid
from tests.server.accounts.conftest import ADMIN, House


def note(number: int) -> Note:
    return Note(caller=ADMIN, action=Action.PERSON_SEEN, subject=f"person {number}", detail="")


class Disk:
    """Takes groups, the first once it may."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.may_write = asyncio.Event()
        self.error: Exception | None = None

    async def write(self, notes: Sequence[Note]) -> None:
        async with asyncio.timeout(30):
            await self.may_write.wait()
        if self.error is not None:
            raise self.error
        self.groups.append([each.subject for each in notes])


async def test_what_comes_while_the_disk_is_busy_goes_in_the_next_group() -> None:
    disk = Disk()
    notes = Notes(disk.write)
    asked = [asyncio.ensure_future(notes.add(note(number))) for number in range(4)]
    await asyncio.sleep(0)
    assert not any(each.done() for each in asked)
    disk.may_write.set()
    await asyncio.gather(*asked)
    assert disk.groups == [["person 0"], ["person 1", "person 2", "person 3"]]


async def test_a_group_has_a_bound() -> None:
    disk = Disk()
    notes = Notes(disk.write)
    asked = [asyncio.ensure_future(notes.add(note(n))) for n in range(MOST_AT_ONCE + 3)]
    await asyncio.sleep(0)
    disk.may_write.set()
    await asyncio.gather(*asked)
    assert [len(group) for group in disk.groups] == [1, MOST_AT_ONCE, 2]


async def test_a_disk_that_fails_is_told_to_everybody_and_the_next_is_tried() -> None:
    disk = Disk()
    disk.error = OSError("full")
    disk.may_write.set()
    notes = Notes(disk.write)
    told = await asyncio.gather(
        *(notes.add(note(number)) for number in range(3)), return_exceptions=True
    )
    assert [str(each) for each in told] == ["full"] * 3
    disk.error = None
    await notes.add(note(9))
    assert disk.groups == [["person 9"]]


async def test_who_gives_up_waiting_takes_nothing_back() -> None:
    disk = Disk()
    notes = Notes(disk.write)
    first, second = (asyncio.ensure_future(notes.add(note(number))) for number in (1, 2))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    disk.may_write.set()
    await first
    await notes.add(note(3))
    assert [subject for group in disk.groups for subject in group] == [
        "person 1",
        "person 2",
        "person 3",
    ]


async def test_entries_of_one_moment_are_all_in_the_log(house: House) -> None:
    await asyncio.gather(
        *(house.store.audit(ADMIN, Action.PERSON_SEEN, f"person {n}") for n in range(50))
    )
    subjects = {subject for _, _, subject in await house.actions()}
    assert {f"person {number}" for number in range(50)} <= subjects


async def test_one_entry_at_fault_keeps_no_other_from_the_disk(either: House) -> None:
    subjects = ["one", "a\0b", "two", "three"]
    told = await asyncio.gather(
        *(either.store.audit(ADMIN, Action.EXPORT, subject) for subject in subjects),
        return_exceptions=True,
    )
    assert [type(each) for each in told] == [type(None), QuestionInvalid, type(None), type(None)]
    assert [subject for _, _, subject in await either.actions()] == ["one", "two", "three"]

"""The line over every page tells of new alerts that whoever looks may see, and of no others."""

from __future__ import annotations

from pathlib import Path

from server.watchlist.contract import AlertFilter, Source
from server.web.pages.alarms import MOST_COUNTED, News, and_more
from tests.server.storage.history import plate
from tests.server.watchlist.watching import watching_in


async def test_alerts_of_persons_are_not_counted_for_those_who_may_not_see_them(
    tmp_path: Path,
) -> None:
    async with watching_in(tmp_path) as watch:
        await watch.list_of("AB*", cooldown_s=0)
        await watch.centre.take(*(plate(number, f"AB {number}") for number in range(1, 5)))
        first, of_person, *_ = await watch.alerts()
        as_of_person = f"UPDATE alerts SET source = '{Source.FACES}' WHERE id = {of_person.id}"  # noqa: S608 (our own)
        await watch.centre.execute(as_of_person)
        told = [
            News(alerts=(await watch.store.page(chosen, before=None, limit=MOST_COUNTED)).alerts)
            for chosen in (AlertFilter(with_persons=False), AlertFilter())
        ]
    assert [and_more(len(each.since(first.id))) for each in told] == [" and 1 more", " and 2 more"]
    assert [each.since(told[1].alerts[0].id) for each in told] == [(), ()]


def test_of_more_than_are_counted_it_is_said_that_there_are() -> None:
    assert [and_more(each) for each in (0, 1, 2)] == ["", "", " and 1 more"]
    assert and_more(MOST_COUNTED) == f" and at least {MOST_COUNTED - 1} more"

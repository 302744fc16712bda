"""Alerts are raised from committed rows: each once, also across restarts, and not too often."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta, tzinfo
from pathlib import Path

import pytest

from server.watchlist.contract import (
    AlertChange,
    AlertFilter,
    EntryDetails,
    ListDetails,
    Source,
    Verdict,
)
from server.watchlist.engine import AlertEngine, SeenRow
from server.watchlist.plate_rows import PlateRows
from server.watchlist.rule_book import RuleBook
from server.watchlist.rules import EntryRule, Kind, Match, Seen
from tests.server.storage.history import NOON, plate
from tests.server.watchlist.watching import BY, Watch, access_to, watching_in


@pytest.fixture
async def watch(url: str | None, tmp_path: Path) -> AsyncIterator[Watch]:
    async with watching_in(tmp_path, url) as opened:
        yield opened


async def test_a_listed_plate_raises_an_alert_that_says_why(watch: Watch) -> None:
    list_id = await watch.list_of(name="stolen")
    await watch.put(list_id, EntryDetails(plate="ab*", reason="reported"))
    await watch.centre.take(plate(1, "AB 1234"), plate(2, "XY 1"))
    (alert,) = await watch.alerts()
    assert (alert.list_name, alert.listed, alert.reason) == ("stolen", "ab*", "reported")
    assert (alert.source, alert.sighting_id, alert.plate) == (Source.PLATES, 1, "AB 1234")
    assert (alert.device_id, alert.captured_at) == ("gate-1", NOON + timedelta(seconds=1))
    assert alert.received_at == alert.raised_at == NOON
    assert alert.is_open
    assert watch.raised.rings == 1


async def test_several_entries_of_a_list_raise_one_alert_and_others_stay_with_theirs(
    watch: Watch,
) -> None:
    several = await watch.list_of("AB*", "AB 1234", "AB I234", least_likelihood=0.001)
    other = await watch.list_of("AB12*")
    await watch.centre.take(plate(1, "AB 1234"))
    await watch.centre.take(plate(2, "AB 1234"))
    found = {each.list_id: each for each in await watch.alerts()}
    assert len(await watch.alerts()) == len(found) == 2
    assert (found[several].listed, found[several].repeats) == ("AB 1234", 1)
    assert found[several].reason.startswith("also listed: AB*, AB I234 (")
    assert (found[other].listed, found[other].reason) == ("AB12*", "")


async def test_what_passed_before_there_was_a_list_raises_nothing(watch: Watch) -> None:
    await watch.centre.take(plate(1, "AB 1234"))
    assert await watch.alerts() == ()
    await watch.list_of("AB1234")
    await watch.centre.take(plate(2, "AB 1234"))
    assert [each.sighting_id for each in await watch.alerts()] == [2]


async def test_a_reading_that_is_put_right_raises_what_it_missed_once_and_says_by_whom(
    url: str | None, tmp_path: Path
) -> None:
    async def puts_right(watch: Watch, number: int, text: str) -> None:
        await watch.centre.corrections.correct(number, text, by="vera", now=NOON)

    async with watching_in(tmp_path, url) as first:
        await first.centre.take(plate(1, "ZZ 1"), plate(2, "ZZ 2"), plate(3, "AB 1"))
        await puts_right(first, 1, "AB 1")  # before there was a list, and anybody who looked
        list_id = await first.list_of(name="stolen", cooldown_s=0, least_percent=99.0)
        await first.put(list_id, EntryDetails(plate="AB*", reason="reported"))
        before = [each.sighting_id for each in await first.alerts()]
        await puts_right(first, 2, "AB 2")  # and nobody looked
    async with watching_in(tmp_path, url) as second:
        (*older, alert) = await second.alerts()
        assert [each.sighting_id for each in older] == before
        assert (alert.sighting_id, alert.plate, alert.list_name) == (2, "AB 2", "stolen")
        assert alert.reason == "reported; reading put right by vera"
        await second.centre.corrections.undo(2, by="vera", now=NOON)
        await puts_right(second, 2, "AB 22")
        assert len(await second.alerts()) == len(older) + 1


async def test_a_correction_counts_however_many_were_made_before_it(watch: Watch) -> None:
    await watch.list_of("AB*", cooldown_s=0)
    await watch.centre.take(*(plate(number, f"ZZ {number}") for number in range(1, 6)))
    for number in (3, 4, 5):
        await watch.centre.corrections.correct(number, f"XY {number}", by="vera", now=NOON)
    assert await watch.alerts() == ()
    await watch.centre.corrections.correct(2, "AB 2", by="vera", now=NOON)
    assert [each.sighting_id for each in await watch.alerts()] == [2]


async def test_a_correction_that_was_taken_back_makes_no_reading_sure(watch: Watch) -> None:
    await watch.list_of("AB*", least_percent=99.0, cooldown_s=0)
    await watch.centre.take(*(plate(number, f"AB {number}", confidence=70.0) for number in (1, 2)))
    for number in (1, 2):
        await watch.centre.corrections.correct(number, f"XY {number}", by="vera", now=NOON)
        if number == 1:
            assert await watch.alerts() == ()
        await watch.centre.corrections.undo(number, by="vera", now=NOON)
        assert await watch.alerts() == ()


async def test_who_looks_again_goes_on_where_another_one_is(
    url: str | None, tmp_path: Path
) -> None:
    begun: list[int] = []
    is_begun_again = asyncio.Event()

    class Noted(PlateRows):
        async def after(self, position: int, *, limit: int) -> Sequence[SeenRow]:
            begun.append(position)
            if len(begun) > 1:
                is_begun_again.set()
            return await super().after(position, limit=limit)

    async with watching_in(tmp_path, url) as watch:
        await watch.list_of("AB1")
        await watch.centre.take(*(plate(number, "XY 9") for number in range(1, 4)))
        rows = (Noted(access_to(watch.centre).feed(watch.centre.pool)),)
        engine = AlertEngine(replace(watch.engine._parts, rows=rows))  # noqa: SLF001 - its rows
        await engine.look()
        await watch.centre.take(plate(4, "XY 9"), plate(5, "AB 1"))
        assert len(await watch.alerts()) == 1  # by the other one
        running = asyncio.create_task(engine.run())
        async with asyncio.timeout(30):
            await is_begun_again.wait()
        running.cancel()
        assert begun[:2] == [0, 5]


async def test_rules_stay_as_they_are_while_a_sighting_is_looked_at(
    url: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    is_in_its_middle, may_go_on = threading.Event(), threading.Event()
    put_entry, evaluate = RuleBook.put_entry, RuleBook.evaluate

    def put_slowly(book: RuleBook, rule: EntryRule) -> None:
        book.drop_entry(rule.id)
        is_in_its_middle.set()
        assert may_go_on.wait(30)
        put_entry(book, rule)

    async with watching_in(tmp_path, url) as watch:
        follower = watch.engine.follower
        list_id = await watch.list_of("AB1")
        await watch.alerts()

        async def change() -> None:
            await watch.put(list_id, EntryDetails(plate="AB1", reason="in other words"))
            await follower.follow()

        def evaluate_meanwhile(book: RuleBook, seen: Seen, zone: tzinfo) -> tuple[Match, ...]:
            changing.append(asyncio.run_coroutine_threadsafe(change(), loop))
            is_in_its_middle.wait(0.5)
            found = evaluate(book, seen, zone)
            may_go_on.set()
            return found

        changing: list[Future[None]] = []
        monkeypatch.setattr(RuleBook, "put_entry", put_slowly)
        monkeypatch.setattr(RuleBook, "evaluate", evaluate_meanwhile)
        await watch.centre.take(plate(1, "AB 1"))
        assert await watch.alerted() == [("AB 1", 0)]
        await asyncio.wrap_future(changing[0])
        assert is_in_its_middle.is_set()


async def test_who_is_cancelled_while_rules_change_keeps_the_turn_until_they_have(
    url: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_in_its_middle, may_go_on = threading.Event(), threading.Event()
    put_entry = RuleBook.put_entry

    def put_slowly(book: RuleBook, rule: EntryRule) -> None:
        is_in_its_middle.set()
        assert may_go_on.wait(30)
        put_entry(book, rule)

    async with watching_in(tmp_path, url) as watch:
        await watch.list_of("AB1")
        await watch.centre.take(plate(1, "AB 1"))
        monkeypatch.setattr(RuleBook, "put_entry", put_slowly)
        following = asyncio.create_task(watch.engine.follower.follow())
        try:
            assert await asyncio.to_thread(is_in_its_middle.wait, 30)
            following.cancel()
            looking = asyncio.create_task(watch.alerted())
            for _ in range(10):
                await asyncio.sleep(0)
            assert not following.done()
            assert not looking.done()
        finally:
            may_go_on.set()
        await looking
        assert following.cancelled()


async def test_an_alert_that_a_restart_missed_is_raised_after_it_once(
    url: str | None, tmp_path: Path
) -> None:
    async with watching_in(tmp_path, url) as first:
        await first.list_of("AB1234", cooldown_s=0)
        await first.centre.take(plate(1, "AB 1234"))
        assert len(await first.alerts()) == 1
        await first.centre.take(plate(2, "AB 1234"))  # committed, and nobody looked
    async with watching_in(tmp_path, url) as second:
        await second.centre.take(plate(3, "AB 1234"))
        assert [each.sighting_id for each in await second.alerts()] == [1, 2, 3]
    async with watching_in(tmp_path, url) as third:
        assert len(await third.alerts()) == 3


async def test_rows_that_are_looked_at_again_raise_nothing_again(watch: Watch) -> None:
    await watch.list_of("AB1234")
    await watch.centre.take(*(plate(number, "AB 1234") for number in (1, 2)))
    assert await watch.alerted() == [("AB 1234", 1)]
    again = watch.engine
    again._positions.clear()  # noqa: SLF001 - a position that was not written before the power went
    await watch.store._writing.write(  # noqa: SLF001 - likewise
        lambda writer: writer.change("UPDATE row_positions SET last_id = 0")
    )
    assert len(await watch.alerts()) == 1


async def test_a_cooldown_counts_by_capture_and_camera_and_survives_a_restart(
    url: str | None,
    tmp_path: Path,
) -> None:
    at = {number: NOON + timedelta(seconds=second) for number, second in enumerate((0, 50, 100))}
    async with watching_in(tmp_path, url) as watch:
        await watch.list_of("AB*", cooldown_s=60)
        await watch.centre.take(plate(1, "AB 1", at=at[1]))
        assert await watch.alerted() == [("AB 1", 0)]
    async with watching_in(tmp_path, url) as watch:
        await watch.centre.take(
            plate(2, "AB 1", at=at[2]),  # soon after it
            plate(3, "AB 1", at=at[0]),  # came later, was captured soon before it
            plate(4, "AB 2", at=at[2]),  # another plate of the same entry
            plate(5, "AB 1", at=at[2], device_id="gate-2"),
            plate(6, "AB 1", at=at[1] + timedelta(seconds=60)),  # it is over
        )
        assert await watch.alerted() == [("AB 1", 2), ("AB 2", 0), ("AB 1", 0), ("AB 1", 0)]


async def test_changes_of_lists_count_from_the_next_row_on(watch: Watch) -> None:
    list_id = await watch.list_of("AB1", "AB2", cooldown_s=0)
    (page,) = [await watch.rules.entries(list_id, search="ab1", before=None, limit=9)]
    await watch.centre.take(plate(1, "AB 1"))
    assert len(await watch.alerts()) == 1
    await watch.rules.drop_entry(list_id, page.entries[0].id, by=BY, now=NOON)
    await watch.centre.take(plate(2, "AB 1"), plate(3, "AB 2"))
    assert [each.sighting_id for each in await watch.alerts()] == [1, 3]
    await watch.rules.change_list(
        list_id, ListDetails(name="off", is_enabled=False), by=BY, now=NOON
    )
    await watch.centre.take(plate(4, "AB 2"))
    assert len(await watch.alerts()) == 2
    await watch.rules.drop_list(list_id, by=BY, now=NOON)
    await watch.centre.take(plate(5, "AB 2"))
    assert len(await watch.alerts()) == 2


async def test_who_is_in_no_entry_of_the_known_raises_an_alert(watch: Watch) -> None:
    await watch.list_of("AB1", name="residents", kind=Kind.UNKNOWN)
    await watch.centre.take(plate(1, "AB 1"), plate(2, "XY 9"), plate(3, "XY 9"))
    (alert,) = await watch.alerts()
    assert (alert.entry_id, alert.listed, alert.plate, alert.repeats) == (None, "", "XY 9", 1)


async def test_the_cameras_own_doubt_counts(watch: Watch) -> None:
    await watch.list_of("AB8")
    sure = [{"text": each, "confidence": 1.0} for each in "ABB"]
    doubtful = [*sure[:2], {"text": "B", "confidence": 0.6, "alternatives": [["8", 0.35]]}]
    await watch.centre.take(plate(1, "ABB", characters=doubtful))
    (alert,) = await watch.alerts()
    assert alert.likelihood == pytest.approx(0.35)


async def test_a_look_alike_that_the_camera_rules_out_mutes_nothing(watch: Watch) -> None:
    await watch.list_of("A1B")
    await watch.list_of("AI8", kind=Kind.MUTE)
    sure = [{"text": each, "confidence": 1.0} for each in "A1B"]
    await watch.centre.take(plate(1, "A1B", characters=sure))
    assert await watch.alerted() == [("A1B", 0)]


async def test_a_look_alike_that_only_the_camera_makes_likely_enough_counts(watch: Watch) -> None:
    await watch.list_of("AB8", least_likelihood=0.3)
    await watch.list_of("AB8", kind=Kind.UNKNOWN, least_likelihood=0.3)
    doubtful = [
        *({"text": each, "confidence": 1.0} for each in "AB"),
        {"text": "B", "confidence": 0.6, "alternatives": [["8", 0.35]]},
    ]
    await watch.centre.take(plate(1, "ABB", characters=doubtful))
    assert [(each.kind, each.plate) for each in await watch.alerts()] == [(Kind.ALERT, "ABB")]


async def test_a_list_that_was_there_before_a_row_counts_for_it(watch: Watch) -> None:
    """Also where both come while somebody looks."""

    class Meanwhile(PlateRows):
        async def after(self, position: int, *, limit: int) -> Sequence[SeenRow]:
            if not position:
                await watch.list_of("AB1")
                await watch.centre.take(plate(1, "AB 1"))
            return await super().after(position, limit=limit)

    await watch.list_of("XY9")
    feed = access_to(watch.centre).feed(watch.centre.pool)
    rows = (Meanwhile(feed),)
    engine = AlertEngine(replace(watch.engine._parts, rows=rows))  # noqa: SLF001 - all but its rows
    await engine.look()
    assert engine.raised == 1


async def test_false_alarms_make_the_same_reading_less_likely_until_it_raises_none(
    watch: Watch,
) -> None:
    await watch.list_of("AB8", cooldown_s=0, least_likelihood=0.06)
    likelihoods = []
    for number in range(1, 5):
        await watch.centre.take(plate(number, "ABB"))
        alerts = await watch.alerts()
        if len(alerts) < number:
            break
        likelihoods.append(alerts[-1].likelihood)
        said = AlertChange(verdict=Verdict.FALSE_ALARM)
        await watch.store.change(alerts[-1].id, said, by=BY, now=NOON)
    # prior 0.1 of weight 2: 0.2/2, 0.2/3, then 0.2/4 is too little
    assert likelihoods == [pytest.approx(0.1), pytest.approx(0.2 / 3)]
    assert watch.engine.doubted == 1
    await watch.centre.take(plate(9, "AB8"))  # another reading is as likely as ever
    assert (await watch.alerts())[-1].likelihood == 1.0


async def test_a_false_alarm_holds_back_its_own_reading_and_no_other(watch: Watch) -> None:
    await watch.list_of("AB8", cooldown_s=300)
    await watch.centre.take(plate(1, "ABB"))
    (mistaken,) = await watch.alerts()
    said = AlertChange(verdict=Verdict.FALSE_ALARM)
    await watch.store.change(mistaken.id, said, by=BY, now=NOON)
    await watch.centre.take(plate(2, "ABB"), plate(3, "AB8"), plate(4, "ABB"))
    assert await watch.alerted() == [("ABB", 1), ("AB8", 1)]


async def test_alerts_are_judged_and_filtered(watch: Watch) -> None:
    list_id = await watch.list_of("AB*", cooldown_s=0)
    await watch.centre.take(plate(1, "AB 1"), plate(2, "AB 2", device_id="gate-2"))
    first, second = await watch.alerts()
    said = AlertChange(verdict=Verdict.REAL, note="seen by the guard")
    judged = await watch.store.change(first.id, said, by=BY, now=NOON)
    assert (judged.acknowledged_by, judged.acknowledged_at) == (BY, NOON)
    assert (judged.verdict, judged.note) == (Verdict.REAL, "seen by the guard")
    again = await watch.store.change(first.id, AlertChange(), by="anna", now=NOON)
    assert (again.acknowledged_by, again.note) == (BY, "seen by the guard")

    async def found(**chosen: object) -> list[int]:
        filter_ = AlertFilter(**chosen)  # type: ignore[arg-type]
        page = await watch.store.page(filter_, before=None, limit=10)
        return [each.id for each in page.alerts]

    assert await found() == [second.id, first.id]
    assert await found(is_open=True) == await found(device_id="gate-2") == [second.id]
    assert await found(verdict=Verdict.REAL) == await found(plate="a8-1") == [first.id]
    assert await found(list_id=list_id + 1) == await found(until=NOON) == []
    assert await watch.store.count_open(with_persons=False) == 1
    page = await watch.store.page(AlertFilter(), before=None, limit=1)
    assert page.next_before == second.id


async def test_an_alert_goes_with_its_sighting(watch: Watch) -> None:
    await watch.list_of("AB1")
    await watch.centre.take(plate(1, "AB 1"))
    assert len(await watch.alerts()) == 1
    await watch.centre.give_up(older_than_days=1, now=NOON + timedelta(days=100))
    assert await watch.alerts() == ()


async def test_a_commit_wakes_the_engine(url: str | None, tmp_path: Path) -> None:
    async with watching_in(tmp_path, url) as watch:
        await watch.list_of("AB1")
        running = asyncio.create_task(watch.engine.run())
        try:
            await watch.centre.take(plate(1, "AB 1"))
            watch.engine._parts.wake.ring()  # noqa: SLF001 - as the writer of rows does
            async with asyncio.timeout(30):
                await watch.raised.heard(0, within_s=30)
        finally:
            running.cancel()
        assert watch.engine.raised == 1

from __future__ import annotations

from itertools import pairwise

from agent.pipeline.schedule import Due, Known, ReadSchedule, ScheduleSettings
from agent.pipeline.tracker import Track
from vision.geometry import Box


def _region(at_s: float, *, number: int = 1, side: float = 200.0, x: float = 0.0) -> Track:
    box = Box.from_xywh(x, 0, side, side)
    return Track(id=number, box=box, first_box=box, first_seen_s=0, last_seen_s=at_s, seen_s=at_s)


def _looks(
    schedule: ReadSchedule,
    steps: int,
    *,
    has_plate: bool = False,
    known: Known | None = None,
    growth: float = 1.0,
    doubtful: range = range(0),
) -> list[float]:
    """The times, in steps of a tenth of a second, at which a region was read."""
    times = []
    for step in range(steps):
        at_s = step / 10
        region = _region(at_s, side=200 * growth**step)
        for due in schedule.due(at_s, [region], {1: known} if known else {}):
            schedule.looked(at_s, due, has_plate=has_plate, is_doubtful=len(times) in doubtful)
            times.append(at_s)
    return times


def test_a_region_with_a_plate_is_read_at_the_interval() -> None:
    schedule = ReadSchedule(ScheduleSettings(interval_s=0.2))
    assert _looks(schedule, 7, has_plate=True) == [0.0, 0.2, 0.4, 0.6]


def test_fruitless_looks_become_rare_once_every_part_was_looked_at() -> None:
    times = _looks(ReadSchedule(ScheduleSettings()), 60)
    assert times[:4] == [0.0, 0.1, 0.2, 0.3]
    assert len(times) < 15
    assert times[-1] - times[-2] == 1.0


def test_a_text_that_may_be_a_plate_is_looked_at_again_at_once() -> None:
    fruitless = _looks(ReadSchedule(ScheduleSettings()), 60)
    times = _looks(ReadSchedule(ScheduleSettings()), 60, doubtful=range(6, 7))
    assert times[:7] == fruitless[:7]
    assert times[7] - times[6] < 0.15 < fruitless[7] - fruitless[6]


def test_a_text_that_stays_doubtful_is_not_looked_at_for_ever() -> None:
    doubtful = _looks(ReadSchedule(ScheduleSettings()), 200, doubtful=range(99))
    fruitless = _looks(ReadSchedule(ScheduleSettings()), 200)
    assert len(fruitless) < len(doubtful) <= len(fruitless) + 8


def test_what_grows_is_looked_at_again() -> None:
    still = _looks(ReadSchedule(ScheduleSettings()), 30)
    growing = _looks(ReadSchedule(ScheduleSettings()), 30, growth=1.06)
    assert len(growing) > len(still)


def test_a_sure_region_is_hardly_read() -> None:
    times = _looks(ReadSchedule(ScheduleSettings()), 200, has_plate=True, known=Known.SURE)
    gaps = [round(b - a, 3) for a, b in pairwise(times)]
    assert gaps[0] == 0.4
    assert gaps == sorted(gaps)
    assert max(gaps) <= 8.0
    assert len(times) <= 7


def test_a_region_too_small_for_a_plate_is_not_read() -> None:
    assert ReadSchedule(ScheduleSettings()).due(0.0, [_region(0.0, side=39)], {}) == []


def test_a_region_not_seen_now_is_not_read() -> None:
    assert ReadSchedule(ScheduleSettings()).due(0.2, [_region(0.1)], {}) == []


def test_the_work_of_one_frame_is_bounded_and_the_rest_comes_next() -> None:
    schedule = ReadSchedule(ScheduleSettings(reads_per_frame=2))
    many = [_region(0.0, number=n, side=90, x=100 * n) for n in range(1, 6)]
    first = schedule.due(0.0, many, {})
    assert [due.region.id for due in first] == [1, 2]
    for due in first:
        schedule.looked(0.0, due, has_plate=False)
    assert [due.region.id for due in schedule.due(0.0, many, {})] == [3, 4]


def test_large_regions_fill_a_frame_sooner() -> None:
    large = [_region(0.0, number=n, side=520) for n in (1, 2, 3)]
    assert len(ReadSchedule(ScheduleSettings()).due(0.0, large, {})) == 1


def test_looks_without_a_plate_are_counted_until_one_is_found() -> None:
    schedule = ReadSchedule(ScheduleSettings())

    def look(at_s: float, *, has_plate: bool) -> Due:
        (due,) = schedule.due(at_s, [_region(at_s)], {})
        schedule.looked(at_s, due, has_plate=has_plate)
        return due

    assert look(0.0, has_plate=False).fruitless == 0
    assert look(0.1, has_plate=True).fruitless == 1
    assert look(0.2, has_plate=True).fruitless == 0


def test_a_sure_region_no_larger_than_a_vehicle_is_read_even_less() -> None:
    one = _looks(ReadSchedule(ScheduleSettings()), 200, has_plate=True, known=Known.ONE_VEHICLE)
    two = _looks(ReadSchedule(ScheduleSettings()), 200, has_plate=True, known=Known.SURE)
    assert one[1] == 1.2
    assert len(one) < len(two)


def test_what_is_left_of_a_vehicle_is_hardly_read_until_something_follows() -> None:
    schedule, read = ReadSchedule(ScheduleSettings()), list[tuple[float, bool]]()
    known: dict[int, Known] = {}
    for step in range(30):
        at_s, side = step / 10, 300 - 20 * step if step <= 10 else 100 + 10 * (step - 10)
        for due in schedule.due(at_s, [_region(at_s, side=side)], known):
            schedule.looked(at_s, due, has_plate=step < 2)
            read.append((at_s, due.is_recheck))
            if not due.is_recheck:
                known.clear()
        if step == 1:
            known[1] = Known.SPENT
    shrinking = [at_s for at_s, _ in read if 0.1 < at_s <= 1.0]
    assert len(shrinking) <= 2
    followed_s = next(at_s for at_s, is_recheck in read if at_s > 1.0 and not is_recheck)
    assert followed_s <= 1.3 + 1e-9
    assert len([at_s for at_s, _ in read if followed_s <= at_s < followed_s + 0.4]) == 4


def test_a_second_vehicle_beside_one_that_stands_is_looked_for_at_once() -> None:
    schedule, read = ReadSchedule(ScheduleSettings()), list[float]()
    for step in range(150):
        at_s = step / 10
        known = Known.SURE if at_s >= 10.0 else Known.ONE_VEHICLE
        for due in schedule.due(at_s, [_region(at_s)], {1: known}):
            schedule.looked(at_s, due, has_plate=True)
            read.append(at_s)
    assert next(at_s for at_s in read if at_s > 9.3) == 10.0

"""What was used, counted by each database."""

from __future__ import annotations

from datetime import timedelta

from server.analytics.usage import Deeds, HourCount, PlateCounts
from server.storage.usage_counts import StoredUsageCounts
from tests.server.storage.history import NOON, Site, plate

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DEEDS = (("vera", "user", "export"), ("max", "user", "export"), ("vera/grafana", "token", "export"))


async def test_sightings_plates_and_deeds_are_counted(either: Site) -> None:
    await either.take(
        plate(1, "AB1", at=NOON + timedelta(minutes=59, seconds=59, milliseconds=900)),
        plate(2, "AB1", at=NOON + DAY),
        plate(3, "AB2", at=NOON + DAY),
        plate(4, "", at=NOON + DAY),
        plate(5, "AB3", at=NOON + 9 * DAY),
    )
    at = (NOON + timedelta(seconds=1)).isoformat()
    for actor, kind, action in DEEDS:
        await either.execute(
            "INSERT INTO audit_log (at, actor, actor_kind, address, action, subject, detail) "  # noqa: S608 (our own values)
            f"VALUES ('{at}', '{actor}', '{kind}', '', '{action}', '', '')"
        )
    usage = StoredUsageCounts(either.pool)
    begin, end = NOON, NOON + 2 * DAY
    assert await usage.hours(begin=begin, end=end) == (
        HourCount(at=NOON, camera="gate-1", count=1),
        HourCount(at=NOON + DAY, camera="gate-1", count=3),
    )
    assert await usage.plates(begin=begin, end=end) == PlateCounts(unique=2, returning=1)
    everybody = frozenset({"vera", "max"})
    deeds = Deeds(people=everybody, by_action={"export": everybody})
    assert await usage.deeds(begin=begin, end=end) == deeds
    assert (await usage.deeds(begin=NOON + HOUR, end=end)).people == frozenset()

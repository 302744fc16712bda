"""What is asked of the gallery is counted and timed: by endpoint, and apart where it failed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.account_side import accounts_in_sqlite
from server.accounts.contract import Caller, CallerKind
from server.accounts.lifetimes import Lifetimes
from server.accounts.permissions import TABLE, Role
from server.errors import FacesUnavailable, QuestionInvalid
from server.faces.contract import PersonDetails, Upload
from server.faces.meter import FaceMeter
from server.faces.metered import MeteredFaceService
from server.faces.service import FaceService
from server.storage.adoption import prepare_database
from telemetry.metrics import Reading
from tests.server.faces.face_camera import FaceCamera
from tests.server.faces.galleries import place_on
from tests.server.faces.tiny_faces import RED, networks, photo

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA = Caller(kind=CallerKind.USER, name="ada", address="192.0.2.7", permissions=TABLE[Role.ADMIN])


@pytest.fixture
async def metered(tmp_path: Path) -> AsyncIterator[tuple[FaceService, FaceMeter]]:
    database = tmp_path / "server.db"
    prepare_database(database, zone_of=lambda _: UTC, now=NOW)
    accounts = accounts_in_sqlite(database, Lifetimes(), lambda: NOW)
    made, meter = networks(tmp_path / "models"), FaceMeter()
    camera = FaceCamera(database)
    place = place_on(database, made, accounts, lambda: NOW, sightings=camera.sightings, meter=meter)
    service = MeteredFaceService(place, meter)
    yield service, meter
    await service.close()
    await camera.close()
    await accounts.close()
    made.close()


def value_of(meter: FaceMeter, name: str, *labels: str) -> float:
    found = [each for each in meter.readings() if _is(each, name, labels)]
    assert len(found) == 1, (name, labels)
    value = found[0].value
    return value if isinstance(value, int | float) else value.count


def _is(reading: Reading, name: str, labels: tuple[str, ...]) -> bool:
    return reading.metric.name == name and reading.labels == labels


def upload(content: bytes) -> Upload:
    return Upload(name="photo", content=content)


async def test_requests_and_searches_are_counted(metered: tuple[FaceService, FaceMeter]) -> None:
    service, meter = metered
    await service.prepare()
    person = PersonDetails(name="Lan")
    enrolled = await service.enrol(ADA, person, [upload(photo(RED))], source="test")
    class_id = enrolled.person.class_id
    await service.add_pictures(ADA, class_id, [upload(photo(RED, seed=4))], source="test")
    await service.identify(ADA, upload(photo(RED, seed=2)))
    await service.verify(ADA, upload(photo(RED)), upload(photo(RED, seed=3)))
    requests = "ai_service_requests_total"
    for endpoint, count in (("register", 2), ("identify", 1), ("verify", 1)):
        labels = ("face-recognition", endpoint, "picture", "success")
        assert value_of(meter, requests, *labels) == count
        assert (
            value_of(meter, "ai_service_request_duration_seconds", "face-recognition", endpoint)
            == count
        )
    assert value_of(meter, "vector_search_duration_seconds") == 1
    assert meter.holding is not None
    assert await meter.holding.total_faces() == 2
    assert meter.holding.active_models == 2


async def test_only_what_the_service_failed_at_is_its_error(
    metered: tuple[FaceService, FaceMeter],
) -> None:
    service, meter = metered
    await service.prepare()
    with pytest.raises(QuestionInvalid):
        await service.identify(ADA, upload(b"no picture"))
    assert (meter.requests, meter.failures) == (1, 0)
    with pytest.raises(FacesUnavailable), meter.asked("identify"):
        raise FacesUnavailable("the model broke")
    assert (
        value_of(
            meter, "ai_service_requests_total", "face-recognition", "identify", "picture", "error"
        )
        == 1
    )
    labels = ("face-recognition", "request", "FacesUnavailable")
    assert value_of(meter, "ai_service_errors_total", *labels) == 1

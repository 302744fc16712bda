"""Real networks on photographs of real people, where they are here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path

import pytest

from server.account_side import accounts_in_sqlite
from server.accounts.lifetimes import Lifetimes
from server.faces.contract import Outcome, Upload
from server.faces.service import FaceService
from server.storage.adoption import prepare_database
from tests.server.faces.face_camera import FaceCamera
from tests.server.faces.galleries import service_on
from tests.server.faces.test_service import ADA, LAN, NOW
from tests.vision.own_models import entry, write_manifest
from vision.networks import Networks, NetworkSettings

DATA = Path(__file__).parents[4] / "shared" / "data"
MODELS = {
    "yunet": ("yunet_n_dynamic.onnx", "yunet", "3x0x0 bgr 0..255"),
    "mobilefacenet": ("mobilefacenet.onnx", "arcface", "3x112x112 rgb -1..1"),
}

pytestmark = pytest.mark.skipif(
    not (DATA / "models").is_dir() or not (DATA / "faces").is_dir(),
    reason="models and photographs (../shared/data/models, ../shared/data/faces) are not here",
)


@pytest.fixture
async def faces(tmp_path: Path) -> AsyncIterator[FaceService]:
    entries = []
    folder = tmp_path / "models"
    folder.mkdir()
    for name, (file, decoder, pixels) in MODELS.items():
        (folder / file).symlink_to(DATA / "models" / file)
        content = (folder / file).read_bytes()
        entries.append(entry(name, content, decoder=decoder, pixels=pixels, path=file))
    write_manifest(folder, *entries)
    networks = Networks(NetworkSettings(models_folder=folder, threads=2))
    database = tmp_path / "server.db"
    prepare_database(database, zone_of=lambda _: UTC, now=NOW)
    accounts = accounts_in_sqlite(database, Lifetimes(), lambda: NOW)
    camera = FaceCamera(database)
    made = service_on(database, networks, accounts, lambda: NOW, sightings=camera.sightings)
    yield made
    await made.close()
    await camera.close()
    networks.close()
    await accounts.close()


def photograph(name: str) -> Upload:
    return Upload(name=name, content=(DATA / "faces" / name).read_bytes())


async def test_a_person_is_found_in_another_photograph_and_a_stranger_is_not(
    faces: FaceService,
) -> None:
    done = await faces.enrol(ADA, LAN, [photograph("img20.jpg")], source="test")
    (face,) = (await faces.identify(ADA, photograph("img21.jpg"))).faces
    assert face.match is not None
    assert face.match.person.class_id == done.person.class_id
    assert face.match.probability is not None
    assert face.match.probability > 0.9
    (stranger,) = (await faces.identify(ADA, photograph("img16.jpg"))).faces
    assert stranger.outcome is Outcome.UNKNOWN


async def test_several_people_in_one_photograph_are_each_told(faces: FaceService) -> None:
    found = await faces.identify(ADA, photograph("couple.jpg"))
    assert len(found.faces) == 2
    assert found.faces[0].box.area >= found.faces[1].box.area

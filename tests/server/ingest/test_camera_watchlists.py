"""Which cameras are told what to watch for: those that say that they take lists, of their own."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from server.app import Pace, running
from server.config import ServerSettings
from server.ingest.patience import Patience
from server.watchlist.contract import EntryDetails, ListDetails
from tests.server.cameras import V1Camera, health_row, hello, v1_socket
from tests.server.storage.history import NOON
from tests.server.watchlist.lists import lists_of
from wire.limits import PLATES_PER_PART

AT_ONCE: Final = Pace(patience=Patience(lists_s=0.0))
PATIENCE_S: Final = 60


async def listed(settings: ServerSettings, *entries: EntryDetails) -> None:
    """A list that goes to cameras; to be made on a database that is there."""
    async with lists_of(settings) as lists:
        details = ListDetails(name="stolen", note="of the police", goes_to_cameras=True)
        made = await lists.make_list(details, by="somchai", now=NOON)
        await lists.put_entries(made.id, entries, by="somchai", now=NOON)


async def told(port: int, device_id: str, **said: Any) -> list[dict[str, Any]]:
    """What comes after welcome, up to the acknowledgement of a row, or to a whole list."""
    async with asyncio.timeout(PATIENCE_S), v1_socket(port) as socket:
        await socket.send(json.dumps({**hello(device_id, epoch=device_id), **said}))
        camera = V1Camera(socket, json.loads(await socket.recv()))
        if said.get("watchlist") != "":
            await camera.send({**health_row(1), "id": _ID_OF[device_id]})
        messages = [await camera.answer()]
        while messages[-1]["type"] != "acks" and messages[-1]["part"] < messages[-1]["parts"]:
            messages.append(await camera.answer())
        return messages


_ID_OF: Final = {
    name: f"01920000-0000-7000-8{number:03x}-000000000001"
    for number, name in enumerate(("gate-1", "gate-2", "gate-3"), 1)
}


async def test_a_camera_is_told_its_own_plates_once(settings: ServerSettings) -> None:
    async with running(settings, pace=AT_ONCE):
        pass
    await listed(
        settings,
        *(EntryDetails(plate=f"AB{number}", reason="secret") for number in range(PLATES_PER_PART)),
        EntryDetails(plate="XY1", device_ids=("gate-1",)),
    )
    async with running(settings, pace=AT_ONCE) as server:
        first = await told(server.ingest_port, "gate-1", watchlist="")
        assert [(each["part"], each["parts"]) for each in first] == [(1, 2), (2, 2)]
        plates = [plate for each in first for plate in each["plates"]]
        assert {"plate": "XY1"} in plates
        assert len(plates) == PLATES_PER_PART + 1
        assert all(plate.keys() == {"plate"} for plate in plates)
        (other,) = await told(server.ingest_port, "gate-2", watchlist="")
        assert {"plate": "XY1"} not in other["plates"]
        assert len(other["plates"]) == PLATES_PER_PART
        version = other["version"]
        (answer,) = await told(server.ingest_port, "gate-2", watchlist=version)
        assert answer["type"] == "acks"
        (answer,) = await told(server.ingest_port, "gate-3")
        assert answer["type"] == "acks"
    assert version != first[0]["version"]

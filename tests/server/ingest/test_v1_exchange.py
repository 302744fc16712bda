"""Cameras of ours: every row once, whatever is repeated, and answers in order."""

from __future__ import annotations

import asyncio
import hashlib
import json

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.frames import CloseCode

from server.app import running
from server.config import ServerSettings
from server.ingest import gateway
from server.ingest.conversation import Conversation
from server.storage.pictures import PictureArchive
from tests.server.cameras import (
    base64_of,
    health_row,
    hello,
    jpeg,
    plate_row,
    row_id,
    v1_camera,
    v1_socket,
)
from tests.server.conftest import Query


async def test_welcome_tells_sequence_credit_and_limits(settings: ServerSettings) -> None:
    async with running(settings) as server:
        async with v1_camera(server.ingest_port) as camera:
            assert camera.welcome["type"] == "welcome"
            assert camera.welcome["last_sequence"] == 0
            assert camera.welcome["credit"]["rows"] >= 1
            assert camera.welcome["max_frame_bytes"] == 8 * 1024 * 1024
            await camera.ask(health_row(1), health_row(2))
        async with v1_camera(server.ingest_port) as camera:
            assert camera.welcome["last_sequence"] == 2
        async with v1_camera(server.ingest_port, epoch="epoch-2") as camera:
            assert camera.welcome["last_sequence"] == 0


async def test_welcome_and_acks_tell_how_many_rows_are_held_and_which_run_says_so(
    settings: ServerSettings,
) -> None:
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        first_run = camera.welcome["run"]
        assert camera.welcome["rows_stored"] == 0
        assert "known_run" not in camera.welcome
        assert (await camera.exchange(health_row(1), health_row(2)))["rows_stored"] == 2
        assert (await camera.exchange(health_row(1)))["rows_stored"] == 2
        refused = await camera.exchange({**health_row(3), "sequence": 0})
        assert "rows_stored" not in refused
    async with (
        running(settings) as server,
        v1_camera(server.ingest_port, runs=["stranger", first_run]) as camera,
    ):
        assert camera.welcome["known_run"] == first_run
        assert camera.welcome["rows_stored"] == 2
        assert camera.welcome["run"] != first_run


async def test_a_sighting_is_stored_with_all_it_says(
    settings: ServerSettings, query: Query
) -> None:
    picture = jpeg()
    row = plate_row(
        1,
        region="th",
        direction="approaching",
        dwell_s=2.5,
        clock_state="corrected",
        evidence={"readings": ["AB1", "A81"]},
        image=base64_of(picture),
    )
    row["image_sha256"] = hashlib.sha256(picture).hexdigest()
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        [result] = await camera.ask(row)
    assert result == {"id": row["id"], "success": True, "record_id": 1}
    [stored] = query(
        "SELECT message_id, device_id, epoch, sequence, captured_at, license_plate, "
        "confidence_percent, region, direction, dwell_s, clock_state, "
        "json_extract(evidence, '$.readings[1]'), checkpoint_id, hostname, image_status, "
        "image_sha256, received_at FROM lpr_detections"
    )
    assert stored[:15] == (
        row_id(1),
        "gate-1",
        "epoch-1",
        1,
        "2026-03-01T01:00:00.000+00:00",
        "AB1",
        91.25,
        "th",
        "approaching",
        2.5,
        "corrected",
        "A81",
        "7",
        "gate-host",
        "present",
    )
    archive = PictureArchive(settings.pictures_path, read_only=True)
    assert archive.read(stored[15], stored[16][:10]) == picture
    archive.close()


async def test_every_table_is_stored(settings: ServerSettings, query: Query) -> None:
    face = {
        "table": "face_detection",
        "id": row_id(1),
        "sequence": 1,
        "captured_at": "2026-03-01T01:00:00Z",
        "data": {
            "confidence": 80,
            "box": [1, 2, 30, 40],
            "landmarks": [[1.5, 2.5]],
            "embedding": base64_of(bytes(512)),
            "embedding_model": "arc",
        },
    }
    eviction = {
        "table": "eviction",
        "id": row_id(2),
        "sequence": 2,
        "captured_at": "2026-03-01T01:00:00Z",
        "data": {"kind": "picture", "reason": "quota", "evicted_table": "lpr", "count": 4},
    }
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        results = await camera.ask(face, eviction, health_row(3))
    assert [result["success"] for result in results] == [True, True, True]
    assert query("SELECT box, landmarks, length(embedding) FROM face_detections") == [
        ("[1,2,30,40]", "[[1.5,2.5]]", 512)
    ]
    assert query("SELECT kind, reason, count FROM evictions") == [("picture", "quota", 4)]
    assert query("SELECT count(*) FROM health_monitors") == [(1,)]


async def test_rows_sent_again_after_a_reconnect_are_duplicates(
    settings: ServerSettings, query: Query
) -> None:
    rows = [plate_row(1, image=base64_of(jpeg())), health_row(2)]
    async with running(settings) as server:
        async with v1_camera(server.ingest_port) as camera:
            first = await camera.ask(*rows)
        async with v1_camera(server.ingest_port) as camera:
            again = await camera.ask(*rows)
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        later = await camera.ask(*rows)
    assert not any("duplicate" in result for result in first)
    assert again == later == [{**result, "duplicate": True} for result in first]
    assert query("SELECT count(*) FROM lpr_detections") == [(1,)]
    assert query("SELECT count(*) FROM health_monitors") == [(1,)]
    assert query("SELECT rows_stored, last_sequence FROM camera_epochs") == [(2, 2)]


async def test_a_row_twice_in_one_frame_is_stored_once(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        await camera.send(health_row(1), health_row(1))
        acks = await camera.answer()
    assert [result.get("duplicate", False) for result in acks["results"]] == [False, True]
    assert len({result["record_id"] for result in acks["results"]}) == 1
    assert query("SELECT count(*) FROM health_monitors") == [(1,)]


async def test_an_id_taken_by_another_row_is_a_conflict(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings) as server:
        async with v1_camera(server.ingest_port, "gate-1") as camera:
            await camera.ask(health_row(1))
            [other_content] = await camera.ask(health_row(1, message="changed"))
        async with v1_camera(server.ingest_port, "gate-2") as camera:
            [other_device] = await camera.ask(health_row(1))
    for result in (other_content, other_device):
        assert (result["success"], result["code"]) == (False, "id_conflict")
        assert not result.get("retry", False)
    assert query("SELECT device_id, message FROM health_monitors") == [("gate-1", "")]


async def test_a_smaller_picture_or_none_is_still_the_same_row(settings: ServerSettings) -> None:
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        [first] = await camera.ask(plate_row(1, image=base64_of(jpeg())))
        [again] = await camera.ask(plate_row(1, image_status="evicted"))
    assert again == {**first, "duplicate": True}


async def test_a_bad_picture_does_not_lose_the_sighting(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        [result] = await camera.ask(plate_row(1, image=base64_of(b"no picture")))
    assert result["success"]
    assert query("SELECT license_plate, image_status, image_sha256 FROM lpr_detections") == [
        ("AB1", "invalid", None)
    ]


async def test_one_bad_row_does_not_spoil_its_neighbours(
    settings: ServerSettings, query: Query
) -> None:
    bad = plate_row(2, confidence="abc")
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        results = await camera.ask(health_row(1), bad, health_row(3))
    assert [result["success"] for result in results] == [True, False, True]
    assert "confidence" in results[1]["message"]
    assert query("SELECT sequence FROM health_monitors") == [(1,), (3,)]
    assert query("SELECT count(*) FROM lpr_detections") == [(0,)]


async def test_answers_come_in_the_order_of_the_frames(settings: ServerSettings) -> None:
    large = base64_of(jpeg() + bytes(400_000) + b"\xff\xd9")  # read in a thread
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        for sequence in range(1, 101):
            if sequence % 10 == 3:
                await camera.send(plate_row(sequence, image=large))
            elif sequence % 10 == 7:
                camera.frame += 1
                await camera.socket.send(f'{{"type":"rows","frame":{camera.frame},"rows":5}}')
            else:
                await camera.send(health_row(sequence))
        answers = [await camera.answer() for _ in range(100)]
    assert [answer["frame"] for answer in answers] == list(range(1, 101))
    assert [answer["type"] for answer in answers if answer["frame"] % 10 == 7] == ["refusal"] * 10


async def test_a_message_type_of_a_later_version_is_ignored(settings: ServerSettings) -> None:
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        for _ in range(70):  # more than the window
            await camera.socket.send('{"type":"greetings","text":"hi"}')
        [result] = await camera.ask(health_row(1))
    assert result["success"]


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (json.dumps({"type": "rows", "frame": 1, "rows": []}), "hello"),
        ("{", "hello"),
        (json.dumps({**hello(), "time": "noon"}), "time"),
    ],
)
async def test_who_does_not_begin_with_hello_is_shown_out(
    settings: ServerSettings, first: str, reason: str
) -> None:
    async with running(settings) as server, v1_socket(server.ingest_port) as socket:
        await socket.send(first)
        with pytest.raises(ConnectionClosedError) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert reason in closed.value.rcvd.reason


async def test_hello_twice_ends_the_connection_but_not_the_rows(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        await camera.send(health_row(1))
        await camera.socket.send(json.dumps(hello()))
        assert (await camera.answer())["results"][0]["success"]
        with pytest.raises(ConnectionClosedError, match="1008"):
            await camera.answer()
    assert query("SELECT count(*) FROM health_monitors") == [(1,)]


async def test_a_frame_over_the_limit_is_closed_with_1009(settings: ServerSettings) -> None:
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        # Only the head of a masked text frame (RFC 6455, section 5.2): its length is enough.
        head = b"\x81\xff" + (8 * 1024 * 1024 + 1).to_bytes(8, "big") + bytes(4)
        camera.socket.transport.write(head)
        with pytest.raises(ConnectionClosedError, match="1009"):
            await camera.answer()


async def test_hello_is_noted_in_the_register_of_cameras(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        await camera.ask(health_row(1))
    assert query(
        "SELECT device_id, hostname, checkpoint_id, agent_version, epoch, clock_state, "
        "waiting_rows, clock_offset_s < 0 OR clock_offset_s > 0 FROM cameras"
    ) == [("gate-1", "gate-host", "7", "0.1.0", "epoch-1", "synchronised", 3, 1)]


class StoppedAtOnce(Conversation):
    """By a server that stops, or a token that is revoked, in the very moment when it begins."""

    async def run(self) -> None:
        asyncio.get_running_loop().call_soon(self.stop, CloseCode.SERVICE_RESTART, "restarting")
        async with asyncio.timeout(10):
            await super().run()


async def test_a_conversation_that_is_stopped_before_its_first_frame_ends(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "Conversation", StoppedAtOnce)
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        with pytest.raises(ConnectionClosedError) as closed:
            await camera.socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == CloseCode.SERVICE_RESTART

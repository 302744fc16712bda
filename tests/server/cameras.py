"""What cameras send, written out by hand, and the clients that send it."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from PIL import Image
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

Json = dict[str, Any]


def jpeg(shade: int = 90, size: tuple[int, int] = (64, 48)) -> bytes:
    """A real JPEG; another shade makes another picture."""
    output = io.BytesIO()
    Image.new("RGB", size, (shade, shade, shade)).save(output, "JPEG", quality=75)
    return output.getvalue()


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def classic_detection(**changes: Any) -> Json:
    """The message of DESIGN.md; `changes` go into its data."""
    data = {
        "license_plate": "ABC1234",
        "confidence": 95.5,
        "checkpoint_id": "1",
        "timestamp": "2024-08-06T10:30:00",
        "hostname": "aicamera",
        "vehicle_type": "",
        "vehicle_color": "",
        "latitude": "",
        "longitude": "",
        "image": f"data:image/jpeg;base64,{base64_of(jpeg())}",
        "exposure_time": 0.033,
        "analog_gain": 1.0,
        "lux": 250,
    }
    return {"table": "lpr_detection", "action": "insert", "data": {**data, **changes}}


def classic_health(**changes: Any) -> Json:
    """The message of DESIGN.md; `changes` go into its data."""
    data = {
        "checkpoint_id": "1",
        "hostname": "aicamera",
        "timestamp": "2024-08-06T10:30:00",
        "component": "camera",
        "status": "PASS",
        "message": "Camera working normally",
        "system_info": {
            "python_version": "3.9.2",
            "platform": "linux",
            "memory_usage": "45%",
            "cpu_usage": "12%",
        },
    }
    return {"table": "health_monitor", "action": "insert", "data": {**data, **changes}}


class ClassicCamera:
    """Sends a message, waits for its answer."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def ask(self, message: Json | str | bytes) -> Json:
        text = json.dumps(message, ensure_ascii=False) if isinstance(message, dict) else message
        await self.socket.send(text)
        answer: Json = json.loads(await self.socket.recv())
        return answer


@asynccontextmanager
async def classic_camera(port: int, **options: Any) -> AsyncIterator[ClassicCamera]:
    async with connect(f"ws://127.0.0.1:{port}/", **options) as socket:
        yield ClassicCamera(socket)


def row_id(sequence: int, device: int = 1) -> str:
    return f"01920000-0000-7000-8{device:03x}-{sequence:012x}"


def health_row(sequence: int, **data: Any) -> Json:
    return {
        "table": "health_monitor",
        "id": row_id(sequence),
        "sequence": sequence,
        "captured_at": "2026-03-01T08:00:00+07:00",
        "data": {"component": "camera", "status": "PASS", **data},
    }


def plate_row(sequence: int, **data: Any) -> Json:
    return {
        "table": "lpr_detection",
        "id": row_id(sequence),
        "sequence": sequence,
        "captured_at": "2026-03-01T08:00:00+07:00",
        "data": {"license_plate": f"AB{sequence}", "confidence": 91.25, **data},
    }


def hello(device_id: str = "gate-1", epoch: str = "epoch-1", runs: Sequence[str] = ()) -> Json:
    return {
        "type": "hello",
        "device_id": device_id,
        "epoch": epoch,
        "hostname": "gate-host",
        "checkpoint_id": "7",
        "agent_version": "0.1.0",
        "time": "2026-03-01T01:00:00Z",
        "clock_state": "synchronised",
        "waiting_rows": 3,
        "runs": list(runs),
    }


class V1Camera:
    """Speaks `sightpost.v1` after hello and welcome."""

    def __init__(self, socket: ClientConnection, welcome: Json) -> None:
        self.socket = socket
        self.welcome = welcome
        self.frame = 0

    async def send(self, *rows: Json) -> int:
        """Sends a frame without waiting; returns its number."""
        self.frame += 1
        await self.socket.send(json.dumps({"type": "rows", "frame": self.frame, "rows": rows}))
        return self.frame

    async def send_slowly(self, *rows: Json, pieces: int, pause_s: float) -> list[Json]:
        """One frame in so many fragments with a pause after each; the results."""
        self.frame += 1
        text = json.dumps({"type": "rows", "frame": self.frame, "rows": rows})
        size = -(-len(text) // pieces)

        async def fragments() -> AsyncIterator[str]:
            for at in range(0, len(text), size):
                yield text[at : at + size]
                await asyncio.sleep(pause_s)

        await self.socket.send(fragments())
        results: list[Json] = (await self.answer())["results"]
        return results

    async def answer(self) -> Json:
        answer: Json = json.loads(await self.socket.recv())
        return answer

    async def exchange(self, *rows: Json) -> Json:
        """Sends a frame and returns the `acks` that answer it."""
        number = await self.send(*rows)
        acks = await self.answer()
        assert (acks["type"], acks["frame"]) == ("acks", number), acks
        return acks

    async def ask(self, *rows: Json) -> list[Json]:
        """Sends a frame and returns the results in the order of its rows."""
        acks = await self.exchange(*rows)
        by_id = {result["id"]: result for result in acks["results"]}
        return [by_id[row["id"]] for row in rows]


@asynccontextmanager
async def v1_socket(port: int, **options: Any) -> AsyncIterator[ClientConnection]:
    protocols = [Subprotocol("sightpost.v1")]
    async with connect(f"ws://127.0.0.1:{port}/", subprotocols=protocols, **options) as socket:
        assert socket.subprotocol == "sightpost.v1"
        yield socket


@asynccontextmanager
async def v1_camera(
    port: int,
    device_id: str = "gate-1",
    epoch: str = "epoch-1",
    runs: Sequence[str] = (),
    **options: Any,
) -> AsyncIterator[V1Camera]:
    async with v1_socket(port, **options) as socket:
        await socket.send(json.dumps(hello(device_id, epoch, runs)))
        yield V1Camera(socket, json.loads(await socket.recv()))

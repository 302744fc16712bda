"""Publisher and idempotent consumer of the broker comparison: started by benchmarks/peers.py.

python -m benchmarks.peer_programs publish|consume mqtt|nats PORT ROWS FILE|FOLDER
"""

from __future__ import annotations

import asyncio
import json
import queue
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import nats
import paho.mqtt.client as mqtt
import uvloop
from nats.js.api import AckPolicy, ConsumerConfig, StorageType
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.limit import open_pictures, stored_form
from server.storage.adoption import prepare_database
from server.storage.connection import open_writer
from server.storage.records import TARGETS
from wire.rows import Table

GROUP_ROWS: Final = 256
IN_FLIGHT: Final = 512
TOPIC: Final = "rows"
_IDLE_S: Final = 60.0


class RowFile:
    """The consumer's databases: the server's tables, a row at most once by its message id."""

    def __init__(self, folder: Path) -> None:
        path = folder / "consumer.db"
        prepare_database(path, zone_of=lambda _checkpoint: UTC, now=datetime.now(UTC))
        self._rows = open_writer(path)
        self._pictures = open_pictures(folder / "pictures.db")
        self._insert = TARGETS[Table.LPR_DETECTION].insert
        self._last_id = 0
        self.count = 0

    def store(self, contents: Sequence[bytes]) -> None:
        """One group: decoded, its new rows and pictures committed."""
        forms = [stored_form(content, self._last_id + n) for n, content in enumerate(contents, 1)]
        self._last_id += len(forms)
        pictures = [form.picture for form in forms if form.picture is not None]
        self._rows.execute("BEGIN IMMEDIATE")
        if pictures:
            self._pictures.execute("BEGIN IMMEDIATE")
            self._pictures.executemany("INSERT OR IGNORE INTO pictures VALUES (?, ?, ?)", pictures)
            self._pictures.execute("COMMIT")
        ledger = "INSERT OR IGNORE INTO message_ledger VALUES (?, ?, ?, ?, ?, ?)"
        fresh = []
        for form in forms:
            self._rows.execute(ledger, form.ledger)
            if self._rows.changes():
                fresh.append(form.record)
        self._rows.executemany(self._insert, fresh)
        self._rows.execute("COMMIT")
        self.count += len(fresh)


def main() -> None:
    role, peer, port, rows, place = sys.argv[1:]
    if role == "consume":
        _consume(peer, int(port), int(rows), RowFile(Path(place)))
    else:
        _publish(peer, int(port), Path(place).read_bytes().splitlines()[: int(rows)])


def _say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def _ready() -> None:
    print("ready", flush=True)


def _consume(peer: str, port: int, rows: int, file: RowFile) -> None:
    before = time.process_time()
    if peer == "mqtt":
        _consume_mqtt(port, rows, file)
    else:
        uvloop.run(_consume_nats(port, rows, file))
    _say(rows=file.count, ended_s=time.monotonic(), cpu_s=time.process_time() - before)


def _publish(peer: str, port: int, messages: list[bytes]) -> None:
    if peer == "mqtt":
        started_s, cpu_s = _publish_mqtt(port, messages)
    else:
        started_s, cpu_s = uvloop.run(_publish_nats(port, messages))
    _say(started_s=started_s, cpu_s=cpu_s)


def _mqtt_client(name: str, port: int, on_connect: Callable[[mqtt.Client], None]) -> mqtt.Client:
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=name, clean_session=False, manual_ack=True
    )
    client.max_inflight_messages_set(IN_FLIGHT)
    client.max_queued_messages_set(0)
    client.on_connect = lambda me, *_: on_connect(me)
    client.connect("127.0.0.1", port)
    return client


def _consume_mqtt(port: int, rows: int, file: RowFile) -> None:
    arrived: queue.SimpleQueue[mqtt.MQTTMessage] = queue.SimpleQueue()
    client = _mqtt_client("consumer", port, lambda me: me.subscribe(TOPIC, qos=1) and None)
    client.on_subscribe = lambda *_: _ready()
    client.on_message = lambda _client, _data, message: arrived.put(message)
    client.loop_start()
    while file.count < rows:
        group = [arrived.get(timeout=_IDLE_S)]
        while len(group) < GROUP_ROWS and not arrived.empty():
            group.append(arrived.get())
        file.store([bytes(message.payload) for message in group])
        for message in group:
            client.ack(message.mid, 1)
    client.loop_stop()


def _publish_mqtt(port: int, messages: list[bytes]) -> tuple[float, float]:
    client = _mqtt_client("publisher", port, lambda _me: _ready())
    client.loop_start()
    sys.stdin.readline()
    started_s, before = time.monotonic(), time.process_time()
    sent = [client.publish(TOPIC, content, qos=1) for content in messages]
    for each in sent:
        each.wait_for_publish(_IDLE_S)
    cpu_s = time.process_time() - before
    client.loop_stop()
    return started_s, cpu_s


async def _consume_nats(port: int, rows: int, file: RowFile) -> None:
    client = await nats.connect(f"nats://127.0.0.1:{port}")
    stream = client.jetstream()
    await stream.add_stream(name="ROWS", subjects=[TOPIC], storage=StorageType.FILE)
    config = ConsumerConfig(ack_policy=AckPolicy.ALL, max_ack_pending=8 * GROUP_ROWS)
    pulled = await stream.pull_subscribe(TOPIC, durable="consumer", config=config)
    _ready()
    while file.count < rows:
        group = await pulled.fetch(min(GROUP_ROWS, rows - file.count), timeout=_IDLE_S)
        await asyncio.to_thread(file.store, [message.data for message in group])
        await group[-1].ack()  # with AckPolicy.ALL it stands for those before it
    await client.flush()
    await client.close()


async def _publish_nats(port: int, messages: list[bytes]) -> tuple[float, float]:
    client = await nats.connect(f"nats://127.0.0.1:{port}")
    stream = client.jetstream(publish_async_max_pending=IN_FLIGHT)
    _ready()
    await asyncio.to_thread(sys.stdin.readline)
    started_s, before = time.monotonic(), time.process_time()
    for content in messages:
        await stream.publish_async(TOPIC, content, wait_stall=_IDLE_S)
    await stream.publish_async_completed()
    cpu_s = time.process_time() - before
    await client.close()
    return started_s, cpu_s


if __name__ == "__main__":
    main()

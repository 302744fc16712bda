"""All that passes reaches a real broker and a real receiver, from where it was, with its id."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiomqtt
import pytest
from click.testing import Result
from typer.testing import CliRunner

from server.bell import Bell
from server.channels.telling import signature
from server.cli import app
from server.egress.mqtt import _Line
from server.egress.picture_limit import HOLDS_FOR, TRIES, PictureLimit
from server.egress.topics import Topics
from server.egress_side import Surroundings, egress_side
from server.errors import ConfigInvalid
from server.export_command import export
from server.storage.asking import LONGEST_S, Dialect, Reader, Readers, T
from server.storage.feed import StoredFeed
from server.storage.ground import Ground
from server.storage.picture_stores.contract import PictureReading
from server.storage.picture_stores.folder import FolderPictures
from server.storage.sightings import StoredSightings
from server.troubles import Part
from tests.server.cameras import jpeg
from tests.server.channels.receivers import http_receiver
from tests.server.conftest import certificate, settings_in  # noqa: F401 - a fixture
from tests.server.egress.brokers import Mosquitto, mosquitto
from tests.server.storage.databases import Databases
from tests.server.storage.history import NOON, Centre, plate
from tests.server.watchlist.watching import Watch, access_to, watching_in

PATIENCE_S = 30
Messages = AsyncIterator[aiomqtt.Message]


@dataclass(slots=True, kw_only=True)
class Telling:
    watch: Watch
    committed: Bell
    parts: Mapping[str, Part]

    @property
    def centre(self) -> Centre:
        return self.watch.centre

    async def passes(self, number: int, text: str, **given: Any) -> None:
        await self.centre.take(plate(number, text, **given))
        self.committed.ring()


@asynccontextmanager
async def telling(
    folder: Path, *, pictures: PictureReading | None = None, **given: Any
) -> AsyncIterator[Telling]:
    """`pictures` None: those of the server."""
    async with watching_in(folder) as watch:
        settings = settings_in(folder, db_path=watch.centre.database, **given)
        committed = Bell()
        around = Surroundings(
            ground=Ground(
                access=access_to(watch.centre), committed=committed, alerted=watch.raised
            ),
            pictures=watch.centre.sightings
            if pictures is None
            else StoredSightings(watch.centre.pool, pictures),
            cameras=watch.centre.cameras,
            connected=lambda: frozenset({"gate-1"}),
            now=lambda: NOON,
        )
        async with egress_side(settings, around) as parts:
            yield Telling(watch=watch, committed=committed, parts=parts)


@asynccontextmanager
async def listening(broker: Mosquitto, *topics: str) -> AsyncIterator[aiomqtt.Client]:
    async with broker.client() as client:
        for topic in topics:
            await client.subscribe(topic, qos=1)
        yield client


async def first(client: aiomqtt.Client, topic: str) -> bytes:
    """The next message of that topic."""
    async with asyncio.timeout(PATIENCE_S):
        async for message in client.messages:
            if str(message.topic) == topic and message.payload:
                assert isinstance(message.payload, bytes)
                return message.payload
    raise AssertionError(topic)


async def test_a_broker_is_told_of_sightings_cameras_and_alerts(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker:
        async with (
            listening(broker, "sightpost/#", "homeassistant/#") as client,
            telling(tmp_path, mqtt_url=broker.url) as told,
        ):
            assert await first(client, "sightpost/status") == b"online"
            await told.watch.list_of("AB*", name="stolen")
            await told.passes(1, "AB 1", image=jpeg())
            said = json.loads(await first(client, "sightpost/sightings/gate-1"))
            assert (said["id"], said["plate"]) == (1, "AB 1")
            kept = json.loads(await first(client, "sightpost/cameras/gate-1/plate"))
            assert (kept["id"], kept["plate"]) == (1, "AB 1")
            assert await first(client, "sightpost/cameras/gate-1/picture") == jpeg()
            earlier = NOON - timedelta(hours=1)  # waited in the camera, and comes after it
            await told.passes(2, "OLD 1", at=earlier)
            said = json.loads(await first(client, "sightpost/sightings/gate-1"))
            assert (said["id"], said["plate"]) == (2, "OLD 1")
            await told.watch.alerts()
            alert = json.loads(await first(client, "sightpost/alerts"))["alert"]
            assert (alert["plate"], alert["list"]["name"]) == ("AB 1", "stolen")
        # whoever comes later finds what was kept, and that the server is gone
        async with listening(broker, "sightpost/#") as later:
            found: dict[str, bytes] = {}
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    async for message in later.messages:
                        assert isinstance(message.payload, bytes)
                        found[str(message.topic)] = message.payload
                        if len(found) == 3:
                            break
            assert set(found) == {
                "sightpost/status",
                "sightpost/cameras/gate-1/plate",
                "sightpost/cameras/gate-1/picture",
            }
            assert found["sightpost/status"] == b"offline"
            assert json.loads(found["sightpost/cameras/gate-1/plate"])["plate"] == "AB 1"


async def test_a_picture_that_cannot_be_read_keeps_no_sighting_from_being_told(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "another store"
    (folder / NOON.date().isoformat() / hashlib.sha256(jpeg()).hexdigest()).mkdir(parents=True)
    store = FolderPictures(folder)
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker, "sightpost/#") as client,
        telling(tmp_path, pictures=store, mqtt_url=broker.url) as told,
    ):
        await _until_it_stands(told.watch, "mqtt sightings")
        for number, given in ((1, {"image": jpeg()}), (2, {})):
            await told.passes(number, f"AB {number}", **given)
            said = json.loads(await first(client, "sightpost/sightings/gate-1"))
            assert said["id"] == number
            await first(client, "sightpost/cameras/gate-1/plate")
    store.close()


async def test_a_broker_that_breaks_the_line_at_a_picture_is_told_all_but_such_pictures(
    tmp_path: Path,
) -> None:
    large = jpeg(size=(1600, 1200))
    async with (
        mosquitto(tmp_path, most_bytes=4000) as broker,
        listening(broker, "sightpost/cameras/gate-1/picture") as client,
        telling(tmp_path, mqtt_url=broker.url) as told,
    ):
        await _until_it_stands(told.watch, "mqtt sightings")
        await told.passes(1, "AB 1", image=large)
        await _until_it_stands(told.watch, "mqtt sightings", at=1)
        await told.passes(2, "AB 2", image=jpeg())
        assert await first(client, "sightpost/cameras/gate-1/picture") == jpeg()


def test_pictures_are_left_out_for_an_hour_from_the_size_at_which_lines_broke_in_a_row() -> None:
    now = NOON
    limit = PictureLimit(lambda: now)

    def told(size_bytes: int, *, breaks: bool) -> None:
        with contextlib.suppress(ConnectionError), limit.telling(size_bytes):
            if breaks:
                raise ConnectionError

    for size_bytes in (900, 800, 700)[: TRIES - 1]:
        told(size_bytes, breaks=True)
    told(1000, breaks=False)
    for size_bytes in (900, 800):
        told(size_bytes, breaks=True)
        assert limit.takes(10_000)
    told(850, breaks=True)
    assert (limit.takes(799), limit.takes(800)) == (True, False)
    now += HOLDS_FOR
    assert limit.takes(10_000)


async def test_home_assistant_finds_a_camera_over_tls(
    tmp_path: Path,
    certificate: Path,  # noqa: F811 - the fixture of that name
) -> None:
    async with (
        mosquitto(tmp_path, certificate) as broker,
        listening(broker, "homeassistant/#", "sightpost/cameras/+/health") as client,
    ):
        async with watching_in(tmp_path) as before:
            await before.centre.take(plate(1, "AB 1"))
        async with telling(tmp_path, mqtt_url=broker.url, mqtt_ca=certificate):
            place = "homeassistant/sensor/sightpost_gate-1/plate/config"
            config = json.loads(await first(client, place))
            assert config["state_topic"] == "sightpost/cameras/gate-1/plate"
            assert config["availability_topic"] == "sightpost/status"
            assert config["device"]["name"] == "gate-1"
            place = "homeassistant/image/sightpost_gate-1/picture/config"
            image = json.loads(await first(client, place))
            assert image["image_topic"] == "sightpost/cameras/gate-1/picture"
            assert image["device"]["identifiers"] == config["device"]["identifiers"]
            health = json.loads(await first(client, "sightpost/cameras/gate-1/health"))
            assert health["is_there"] is True


async def test_what_is_kept_of_a_camera_that_is_no_more_is_taken_back(tmp_path: Path) -> None:
    place = "homeassistant/sensor/sightpost_old/plate/config"
    left = {place, "sightpost/cameras/old/plate", "sightpost/cameras/old/health"}
    async with watching_in(tmp_path) as before:
        await before.centre.take(plate(1, "AB 1"))  # of gate-1, which stays
    async with mosquitto(tmp_path) as broker:
        async with broker.client() as older:
            for topic in left:
                await older.publish(topic, b"{}", qos=1, retain=True)
        async with (
            listening(broker, "homeassistant/#", "sightpost/cameras/#") as client,
            telling(tmp_path, mqtt_url=broker.url),
            asyncio.timeout(PATIENCE_S),
        ):
            async for message in client.messages:
                if not message.payload:
                    left.discard(str(message.topic))
                if not left:
                    break
        async with (
            listening(broker, "sightpost/cameras/+/health") as later,
            asyncio.timeout(PATIENCE_S),
        ):
            async for message in later.messages:
                assert str(message.topic) == "sightpost/cameras/gate-1/health"
                break


async def test_what_is_found_kept_while_another_camera_is_taken_back_is_taken_back_too() -> None:
    """A broker says at no certain time what it keeps: this one does in the midst of the first."""
    topics = Topics(prefix="sightpost", discovery="", version="1")
    first_goes, all_told = asyncio.Event(), asyncio.Event()
    taken: set[str] = set()

    class Client:
        async def subscribe(self, *_: object, **__: object) -> None: ...

        async def publish(self, topic: str, payload: bytes, **_: object) -> None:
            taken.add(topic)
            first_goes.set()
            await all_told.wait()

        @property
        async def messages(self) -> Messages:
            for level in ("one", "two"):
                place = topics.all_health.replace("+", level)
                yield aiomqtt.Message(place, b"{}", 1, True, 1, None)
                await first_goes.wait()
            all_told.set()
            await asyncio.Event().wait()

    class Cameras:
        async def board(self, **_: object) -> tuple[()]:
            return ()

    parts = SimpleNamespace(topics=topics, cameras=Cameras(), now=lambda: NOON, connected=frozenset)
    line = _Line(Client(), parts, PictureLimit(parts.now))  # type: ignore[arg-type]
    wanted = {said.topic for level in ("one", "two") for said in topics.gone(level)}
    tasks = [asyncio.create_task(each()) for each in (line.find_kept, line.tell_cameras)]
    try:
        async with asyncio.timeout(5):
            while taken != wanted:  # noqa: ASYNC110 (the line writes it)
                await asyncio.sleep(0.01)
    finally:
        for task in tasks:
            task.cancel()


async def test_what_passed_while_the_broker_was_away_is_told_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker, "sightpost/#") as client,
        telling(tmp_path, mqtt_url=broker.url) as told,
    ):
        await first(client, "sightpost/status")  # it stands at the newest row now
        await _until_it_stands(told.watch, "mqtt sightings")
    async with watching_in(tmp_path) as alone:
        await alone.centre.take(*(plate(number, f"AB {number}") for number in (1, 2, 3)))
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker, "sightpost/sightings/#") as client,
        telling(tmp_path, mqtt_url=broker.url),
    ):
        ids = [
            json.loads(await first(client, "sightpost/sightings/gate-1"))["id"] for _ in range(3)
        ]
        assert ids == [1, 2, 3]


async def _until_it_stands(watch: Watch, name: str, at: int = 0) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (stood := await watch.store.position(name)) is None or stood < at:  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # another one writes it


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"mqtt_url": "mqtts://broker.example.org", "mqtt_ca": "/nowhere"}, "SERVER_MQTT_CA"),
        ({"stream_url": "https://user:word@example.org"}, "SERVER_STREAM_URL"),
    ],
)
async def test_an_address_that_is_none_stops_the_start(
    tmp_path: Path, given: dict[str, str], key: str
) -> None:
    with pytest.raises(ConfigInvalid, match=key):
        async with telling(tmp_path, **given):
            pass


async def test_a_stream_of_posts_goes_on_where_it_failed_and_names_its_rows(
    tmp_path: Path,
) -> None:
    given: dict[str, Any] = {"webhook_networks": "127.0.0.1", "stream_secret": "secret"}
    with http_receiver(500) as receiver:
        async with telling(tmp_path, stream_url=f"{receiver.url}/all", **given) as told:
            await _until_it_stands(told.watch, "stream sightings")
            assert told.parts["stream sightings"].trouble is None
            await told.centre.take(*(plate(number, f"AB {number}") for number in (1, 2)))
            told.committed.ring()
            for _ in range(2):
                assert await asyncio.to_thread(receiver.came.acquire, timeout=PATIENCE_S)
            await told.passes(3, "AB 3")
            assert await asyncio.to_thread(receiver.came.acquire, timeout=PATIENCE_S)
    failed, again, last = receiver.posts
    assert failed.body == again.body
    assert failed.headers["idempotency-key"] == again.headers["idempotency-key"]
    assert last.headers["idempotency-key"] == "sightings-3-3"
    lines = [json.loads(line) for line in again.body.splitlines()]
    assert [(each["id"], each["plate"]) for each in lines] == [(1, "AB 1"), (2, "AB 2")]
    at_s = int(last.headers["sightpost-timestamp"])
    assert last.headers["sightpost-signature"] == f"v1={signature('secret', at_s, last.body)}"


@contextlib.asynccontextmanager
async def feed_in(watch: Watch) -> AsyncIterator[StoredFeed]:
    with contextlib.ExitStack() as opened:
        access = access_to(watch.centre)
        yield access.feed(access.readers(opened, threads=1))


async def test_export_begins_where_it_is_told_and_follows(url: str | None, tmp_path: Path) -> None:
    async with watching_in(tmp_path, url) as watch, feed_in(watch) as feed:
        for number, minutes in enumerate((1, 2, 5, 4, 6), start=1):  # by clocks that differ
            at = NOON + timedelta(minutes=minutes)
            await watch.centre.take(plate(number, f"AB {number}"), at=at)

        async def ids(**given: Any) -> list[int]:
            out = io.StringIO()
            asked = {"since": None, "after": None, "is_following": False, **given}
            await export(feed, out, **asked)
            return [json.loads(line)["id"] for line in out.getvalue().splitlines()]

        assert await ids() == [1, 2, 3, 4, 5]
        assert await ids(after=3) == [4, 5]
        assert await ids(since=NOON + timedelta(minutes=4)) == [3, 4, 5]
        assert await ids(since=NOON + timedelta(minutes=4, seconds=1)) == [3, 5]
        assert await ids(since=NOON + timedelta(minutes=2, seconds=1), after=3) == [4, 5]
        assert await ids(since=NOON + timedelta(hours=1)) == []
        assert await ids(since=NOON.astimezone(UTC) - timedelta(days=1)) == [1, 2, 3, 4, 5]

        class Out(io.StringIO):
            def flush(self) -> None:
                loop.call_soon_threadsafe(written.set)

        loop = asyncio.get_running_loop()
        out, asked_again, written = Out(), asyncio.Event(), asyncio.Event()

        async def sleep(_: float) -> None:
            asked_again.set()
            await asyncio.sleep(0.001)

        following = asyncio.create_task(
            export(feed, out, since=None, after=5, is_following=True, sleep=sleep)
        )
        async with asyncio.timeout(PATIENCE_S):
            await asked_again.wait()
            await watch.centre.take(plate(6, "AB 6"))
            await written.wait()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        assert json.loads(out.getvalue())["plate"] == "AB 6"


@dataclass
class StandsStill:
    """Readers of a database that answers nothing in time to the first question."""

    readers: Readers
    asked: int = 0

    @property
    def dialect(self) -> Dialect:
        return self.readers.dialect

    async def ask(self, work: Callable[[Reader], T], *, longest_s: float = LONGEST_S) -> T:
        self.asked += 1
        return await self.readers.ask(work, longest_s=0.0 if self.asked == 1 else longest_s)


async def test_an_export_that_follows_goes_on_when_the_database_is_there_again(
    databases: Databases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = await asyncio.to_thread(databases.cleaned)
    async with watching_in(tmp_path, url) as watch, feed_in(watch) as feed:
        await watch.centre.take(plate(1, "AB 1"))
        out, given_back = io.StringIO(), asyncio.Event()

        async def sleep(_: float) -> None:
            if given_back.is_set() and out.getvalue():
                raise asyncio.CancelledError
            if not given_back.is_set():
                await watch.centre.execute("ALTER TABLE away RENAME TO lpr_detections")
            given_back.set()

        await watch.centre.execute("ALTER TABLE lpr_detections RENAME TO away")
        with pytest.raises(asyncio.CancelledError):
            await export(feed, out, since=None, after=0, is_following=True, sleep=sleep)
        assert json.loads(out.getvalue())["id"] == 1
        assert "it goes on when that is over" in capsys.readouterr().err
        with contextlib.ExitStack() as opened:
            still = StoredFeed(StandsStill(access_to(watch.centre).readers(opened, threads=1)))
            out = io.StringIO()
            with pytest.raises(asyncio.CancelledError):
                await export(still, out, since=None, after=0, is_following=True, sleep=sleep)
        assert json.loads(out.getvalue())["id"] == 1
        assert "took longer" in capsys.readouterr().err
    said = await asyncio.to_thread(exported_from, url, "--after", "0")
    assert json.loads(said.output)["plate"] == "AB 1"
    none_yet = await asyncio.to_thread(databases.empty)
    said = await asyncio.to_thread(exported_from, none_yet)
    assert "python -m server run makes it" in str(said.exception)


def exported_from(url: str, *options: str) -> Result:
    return CliRunner(env={"SERVER_DATABASE_URL": url}).invoke(app, ["export", *options])

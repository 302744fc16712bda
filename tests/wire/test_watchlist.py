"""A camera's watchlist in parts, and whole again."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from tests.wire.examples import CAPTURED, HELLO, golden
from tests.wire.sessions import CREDIT, open_client
from wire import v1
from wire.client_session import ClientSession
from wire.errors import PeerMisbehaved
from wire.limits import PLATES_PER_PART, WATCHED_PLATES, Limits
from wire.server_session import ServerSession
from wire.v1 import WatchedPlate, Watchlist
from wire.watchlist import WholeWatchlist, parts_of, whole_of


def watching_client() -> ClientSession:
    """Open, of a camera that takes lists and holds none."""
    server, client = (
        ServerSession(limits=Limits()),
        ClientSession(msgspec.structs.replace(HELLO, watchlist="")),
    )
    server.receive(client.hello())
    client.receive(server.welcome(last_sequence=0, credit=CREDIT, now=CAPTURED))
    return client


def plates(count: int) -> list[WatchedPlate]:
    return [WatchedPlate(plate=f"AB{number}") for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, PLATES_PER_PART, PLATES_PER_PART + 1, WATCHED_PLATES])
def test_a_list_comes_whole_with_its_last_part(count: int) -> None:
    client, whole = watching_client(), whole_of(plates(count))
    events = [client.receive(part) for part in parts_of(whole)]
    assert events == [None] * (len(events) - 1) + [whole]
    assert len(events) == max(1, -(-count // PLATES_PER_PART))


def test_the_version_is_that_of_the_plates_in_any_order_and_no_others() -> None:
    some = plates(3)
    assert whole_of(some) == whole_of([*reversed(some), some[0]])
    until = datetime(2026, 12, 31, tzinfo=UTC)
    others = (
        some[:2],
        [*some[:2], WatchedPlate(plate="AB2", matching="exact")],
        [*some[:2], WatchedPlate(plate="AB2", valid_until=until)],
    )
    versions = {whole_of(each).version for each in (some, *others)}
    assert len(versions) == 4


def test_the_golden_list_has_the_version_of_its_plates() -> None:
    message = v1.decode_server_message(golden("v1_watchlist"))
    assert isinstance(message, Watchlist)
    assert whole_of(message.plates).version == message.version


def test_a_list_that_was_not_complete_gives_way_to_the_next() -> None:
    client = watching_client()
    first = list(parts_of(whole_of(plates(PLATES_PER_PART + 1))))
    assert client.receive(first[0]) is None
    second = whole_of(plates(2))
    (part,) = parts_of(second)
    assert client.receive(part) == second


@pytest.mark.parametrize(
    ("part", "parts", "version"), [(3, 3, "a"), (2, 3, "b"), (2, 1, "a"), (1, 3, "a"), (2, 21, "a")]
)
def test_a_part_out_of_turn_is_a_broken_server(part: int, parts: int, version: str) -> None:
    client = watching_client()

    def message(part: int, parts: int, version: str) -> bytes:
        return v1.encode(Watchlist(version=version, part=part, parts=parts, plates=plates(1)))

    assert client.receive(message(1, 3, "a")) is None
    if part == 1:  # begins anew: then the third is out of turn
        assert client.receive(message(part, parts, version)) is None
        part = 3
    with pytest.raises(PeerMisbehaved, match="part"):
        client.receive(message(part, parts, version))


def test_a_list_for_a_camera_that_takes_none_is_a_broken_server() -> None:
    (part,) = parts_of(WholeWatchlist("a", ()))
    with pytest.raises(PeerMisbehaved, match="watchlist"):
        open_client().receive(part)

"""Any message that the protocol can say, and broken versions of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
from hypothesis import strategies as st

from tests.wire.examples import CLIENT_MESSAGES, GOLDEN, PICTURE, SERVER_MESSAGES, golden
from wire import rows
from wire.limits import Credit
from wire.v1 import (
    Acks,
    FrameRefusal,
    Hello,
    RowResult,
    Rows,
    WatchedPlate,
    Watchlist,
    Welcome,
)

characters = st.characters(exclude_categories=["Cs"])


def texts(longest: int, shortest: int = 0) -> st.SearchStrategy[str]:
    return st.text(characters, min_size=shortest, max_size=longest)


def numbers(lowest: float, highest: float) -> st.SearchStrategy[float]:
    return st.floats(lowest, highest, allow_nan=False, allow_infinity=False)


counts = st.integers(0, 2**53 - 1)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001 - Hypothesis wants naive bounds, `zones` comes beside
    datetime(2199, 12, 30),  # noqa: DTZ001 - likewise
    timezones=st.just(UTC) | zones,
)
ids = st.uuids().map(str)
hexes = st.binary(min_size=32, max_size=32).map(bytes.hex)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | numbers(-1e300, 1e300)
    | texts(8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(4), inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(texts(6), json_values, max_size=3)
raws = st.just(msgspec.UNSET) | json_objects.map(rows.raw_json)
optional_short = st.none() | texts(64)
measures = st.none() | numbers(-1e12, 1e12)
common: dict[str, st.SearchStrategy[Any]] = {
    "checkpoint_id": optional_short,
    "hostname": st.none() | texts(255),
    "timestamp": optional_short,
    "clock_state": st.sampled_from([None, "synchronised", "corrected", "unsynchronised"]),
}
pictured: dict[str, st.SearchStrategy[Any]] = {
    **common,
    "image": st.none() | st.just(PICTURE) | st.binary(max_size=64),
    "image_status": st.sampled_from([None, "present", "missing", "evicted"]),
    "evidence": raws,
}
envelope: dict[str, st.SearchStrategy[Any]] = {
    "id": ids,
    "sequence": st.integers(1, 2**53 - 1),
    "captured_at": times,
}
lpr_rows = st.builds(
    rows.LprRow,
    **envelope,
    image_sha256=st.none() | hexes,
    data=st.builds(
        rows.LprDetection,
        **pictured,
        license_plate=texts(64),
        confidence=st.none() | numbers(0, 100),
        vehicle_type=texts(64),
        vehicle_color=texts(64),
        latitude=texts(64),
        longitude=texts(64),
        exposure_time=measures,
        analog_gain=measures,
        lux=measures,
        region=optional_short,
        direction=st.sampled_from([None, "approaching", "receding", "left", "right"]),
        dwell_s=st.none() | numbers(0, 1e9),
    ),
)
pixels = st.integers(-(2**31), 2**31 - 1)
face_rows = st.builds(
    rows.FaceRow,
    **envelope,
    image_sha256=st.none() | hexes,
    data=st.builds(
        rows.FaceDetection,
        **pictured,
        confidence=st.none() | numbers(0, 100),
        quality=st.none() | numbers(0, 1),
        box=st.none() | st.tuples(pixels, pixels, pixels, pixels),
        landmarks=st.none()
        | st.lists(st.tuples(numbers(-1e12, 1e12), numbers(-1e12, 1e12)), max_size=6),
        embedding=st.none() | st.binary(max_size=64),
        embedding_model=st.none() | texts(64),
        dwell_s=st.none() | numbers(0, 1e9),
    ),
)
health_rows = st.builds(
    rows.HealthRow,
    **envelope,
    data=st.builds(
        rows.HealthMonitor,
        **common,
        component=texts(64, 1),
        status=texts(64, 1),
        message=texts(256),
        system_info=raws,
    ),
)
eviction_rows = st.builds(
    rows.EvictionRow,
    **envelope,
    data=st.builds(
        rows.Eviction,
        **common,
        kind=st.sampled_from(["picture", "row"]),
        reason=texts(64, 1),
        evicted_table=texts(64),
        count=counts,
        size_bytes=counts,
        first_sequence=st.none() | counts,
        last_sequence=st.none() | counts,
        message=texts(64),
    ),
)
any_row: st.SearchStrategy[rows.Row] = lpr_rows | face_rows | health_rows | eviction_rows
frames = st.integers(1, 2**53 - 1)
hellos = st.builds(
    Hello,
    device_id=texts(64, 1),
    epoch=texts(64, 1),
    hostname=texts(255),
    checkpoint_id=texts(64),
    agent_version=texts(64),
    time=times,
    clock_state=st.sampled_from(["synchronised", "corrected", "unsynchronised"]),
    waiting_rows=counts,
    runs=st.lists(texts(64, 1), max_size=3),
    epoch_after=st.none() | counts,
    watchlist=optional_short,
)
client_messages = hellos | st.builds(Rows, frame=frames, rows=st.lists(any_row, max_size=3))
credits_ = st.builds(Credit, rows=counts, bytes=counts)
delays = st.none() | numbers(0, 1e9)
codes = st.sampled_from(["busy", "invalid_field", "a_code_of_tomorrow"])
results = st.builds(
    RowResult,
    id=texts(64),
    success=st.booleans(),
    record_id=st.none() | st.integers(1, 2**63 - 1),
    duplicate=st.booleans(),
    code=st.none() | codes,
    message=st.none() | texts(64),
    retry=st.booleans(),
    retry_after_s=delays,
)
watched_plates = st.builds(
    WatchedPlate,
    plate=texts(64, 1),
    matching=st.sampled_from(["likely", "exact"]),
    valid_from=st.none() | times,
    valid_until=st.none() | times,
)
server_messages = (
    st.builds(
        Welcome,
        last_sequence=counts,
        credit=credits_,
        max_frame_bytes=counts,
        time=times,
        max_frame_rows=counts,
        rows_stored=st.none() | counts,
        run=st.none() | texts(64, 1),
        known_run=st.none() | texts(64, 1),
    )
    | st.builds(
        Acks,
        frame=frames,
        credit=credits_,
        results=st.lists(results, max_size=4),
        rows_stored=st.none() | counts,
    )
    | st.builds(
        FrameRefusal,
        code=codes,
        message=texts(64),
        frame=st.none() | frames,
        retry=st.booleans(),
        retry_after_s=delays,
    )
    | st.builds(
        Watchlist,
        version=texts(64, 1),
        part=frames,
        parts=frames,
        plates=st.lists(watched_plates, max_size=4),
    )
)

HOSTILE_VALUES: tuple[bytes, ...] = (
    b"null",
    b"true",
    b"0",
    b"-1",
    b"1e999",
    b"-1e999",
    b"NaN",
    b"Infinity",
    b"9" * 30,
    b"9" * 5000,
    b"1.5",
    b'""',
    b'"x"',
    b'"nan"',
    b'"1e999"',
    b'"\\u0000"',
    b'"a\\u0000b"',
    b'"\\ud800"',
    b'"\\ud800 and more"',
    b'"\\udc00\\ud800"',
    b'"\xff\xfe"',
    b'"\x00"',
    b'"' + "ก".encode() * 5000 + b'"',
    b"[]",
    b"{}",
    b"[[]]",
    b'{"a":1e999}',
    b'{"\\u0000":1}',
    b'{"a":1,"a":2}',
    b"[" * 600 + b"]" * 600,
    b"[" * 100_000,
    b'{"a":' * 600 + b"1" + b"}" * 600,
    b'"9999-12-31T23:59:59-14:00"',
    b'"0001-01-01T00:00:00+14:00"',
    b'"2024-08-06T10:30:00"',
    b'"data:image/jpeg;base64,"',
    b'"data:"',
    b'"AAA"',
)

GOLDENS = {path.stem: golden(path.stem) for path in sorted(GOLDEN.glob("*.json"))}
CLIENT_GOLDENS = [GOLDENS[name] for name in CLIENT_MESSAGES]
SERVER_GOLDENS = [GOLDENS[name] for name in SERVER_MESSAGES]
CLASSIC_GOLDENS = [content for name, content in GOLDENS.items() if name.startswith("classic_")]


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every value within a JSON value, its own included."""
    found = [path]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += places(inner, (*path, index))
    return found


def with_value(content: bytes, path: tuple[str | int, ...], put: bytes) -> bytes:
    """A JSON text with `put`, whatever it is, at `path`."""
    mark = "\u2603 here"
    value: Any = json.loads(content)
    if not path:
        return put
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = mark
    said = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = said.encode("utf-8", "surrogatepass")
    return text.replace(json.dumps(mark, ensure_ascii=False).encode(), put)


@st.composite
def broken(draw: st.DrawFn, goldens: list[bytes]) -> bytes:
    """A golden message with bytes changed, cut, doubled or values of the wrong kind put in."""
    content = draw(st.sampled_from(goldens))
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.sampled_from(["value", "json", "byte", "cut", "double", "insert"]))
        at = draw(st.integers(0, max(0, len(content) - 1)))
        if way in ("value", "json"):
            try:
                path = draw(st.sampled_from(places(json.loads(content))))
            except (ValueError, RecursionError):
                continue
            put = draw(st.sampled_from(HOSTILE_VALUES)) if way == "value" else draw(as_json)
            content = with_value(content, path, put)
        elif way == "byte":
            content = content[:at] + draw(st.binary(min_size=1, max_size=2)) + content[at + 1 :]
        elif way == "cut":
            content = content[:at]
        elif way == "double":
            content = content[:at] + content
        else:
            content = content[:at] + draw(st.sampled_from(HOSTILE_VALUES[:-10])) + content[at:]
    return content


as_json = json_values.map(lambda value: json.dumps(value).encode())
any_bytes = st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode())

"""Pictures taken out of a frame before its JSON is read: never another message than without."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire import strategies
from wire import v1
from wire.errors import FrameInvalid
from wire.lifting import lift

PICTURE = base64.b64encode(bytes(range(256)) * 20).decode()
ROW_ID = "0198835e-1b7a-7c3e-9a51-2f6d8c40b1e7"


def frame(*datas: dict[str, Any], separators: tuple[str, str] = (",", ":")) -> str:
    rows = [
        {"table": "lpr_detection", "id": ROW_ID, "sequence": number,
         "captured_at": "2026-08-06T03:30:00Z", "data": {"license_plate": "AB1", **data}}
        for number, data in enumerate(datas, start=1)
    ]  # fmt: skip
    message = {"type": "rows", "frame": 7, "rows": rows}
    return json.dumps(message, ensure_ascii=False, separators=separators)


def read(text: str | bytes) -> object:
    """The message, or what is wrong with it."""
    try:
        message = v1.decode_client_message(text, max_rows=512)
    except FrameInvalid as error:
        return error.code, error.message, error.frame
    if isinstance(message, v1.ReadRows):
        return message.frame, message.rows, [(row, str(fault)) for row, fault in message.invalid]
    return message


def test_a_large_picture_is_taken_out_and_put_back() -> None:
    text = frame({"image": PICTURE}, {"image": None}, {"image": PICTURE})
    lifted = lift(text)
    assert lifted is not None
    assert len(lifted.text) < 1_000
    message = v1.decode_client_message(text, max_rows=512)
    assert isinstance(message, v1.ReadRows)
    images = [row.data.image for row in message.rows if hasattr(row.data, "image")]
    assert images == [base64.b64decode(PICTURE), None, base64.b64decode(PICTURE)]


def test_a_frame_without_large_pictures_is_read_as_a_whole() -> None:
    assert lift(frame({"image": "/9j/"})) is None
    assert lift(frame({"image": PICTURE}, separators=(", ", ": "))) is None


def test_text_that_spells_a_token_with_escapes_gets_no_picture() -> None:
    text = frame({"image": "TOKEN", "evidence": {"image": PICTURE}})
    text = text.replace("TOKEN", r"picture taken out\u002c number 0")
    assert read(text) == read(text.encode())


TEXTS = st.text() | st.sampled_from(
    ['"image":"', '\\"image\\":\\"', ',"image":"', "picture taken out, number 0", PICTURE]
)
EVIDENCE = st.recursive(
    TEXTS | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["image", 'x"image', "a"]) | TEXTS, inner, max_size=3)
    ),
    max_leaves=5,
)
IMAGES = st.none() | st.sampled_from(
    [PICTURE, "/9j/", "", "=" * 5000, PICTURE + "?", PICTURE[:-1], "picture taken out, number 0"]
)
DATAS = st.fixed_dictionaries(
    {"image": IMAGES},
    optional={
        "evidence": st.dictionaries(st.just("image") | TEXTS, EVIDENCE, max_size=2),
        "vehicle_type": TEXTS,
        "license_plate": TEXTS,
    },
)


@given(st.lists(DATAS, min_size=1, max_size=4))
def test_whatever_surrounds_pictures_the_message_is_the_same(datas: list[dict[str, Any]]) -> None:
    text = frame(*datas)
    try:
        content = text.encode()
    except UnicodeEncodeError:
        return  # lone surrogates come over no WebSocket
    assert read(text) == read(content)


@given(strategies.client_messages, st.binary(min_size=4_000, max_size=4_100))
def test_any_message_is_the_same(message: v1.ClientMessage, image: bytes) -> None:
    content = v1.encode(message)
    large = content.replace(b'"image":""', b'"image":"%b"' % base64.b64encode(image))
    assert read(large.decode()) == read(large)


@pytest.mark.parametrize("cut", [1, 2, 30, 3_000])
def test_a_frame_that_was_cut_off_is_refused_in_the_same_words(cut: int) -> None:
    text = frame({"image": PICTURE})[:-cut]
    assert read(text) == read(text.encode())

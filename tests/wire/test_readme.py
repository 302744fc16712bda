"""wire/README.md: its examples are golden messages and decode, its numbers are the code's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from tests.wire.examples import GOLDEN
from tests.wire.sessions import classic_session
from wire import limits, rows, v1
from wire.accepted import AcceptedRow
from wire.classic import decode_classic_answer
from wire.errors import RETRYABLE, ErrorCode
from wire.limits import Limits

TEXT = (Path(__file__).parents[2] / "wire" / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```json\n(.*?)\n```$", TEXT, re.DOTALL | re.MULTILINE)
GOLDEN_TEXTS = {
    path.read_text(encoding="utf-8").removesuffix("\n") for path in GOLDEN.glob("*.json")
}
MESSAGES: tuple[type[msgspec.Struct], ...] = (
    v1.Hello,
    v1.Welcome,
    v1.Rows,
    v1.Acks,
    v1.RowResult,
    v1.FrameRefusal,
    v1.Watchlist,
    v1.WatchedPlate,
    rows.LprRow,
    rows.FaceRow,
    rows.LprDetection,
    rows.FaceDetection,
    rows.HealthMonitor,
    rows.Eviction,
)


def named_fields() -> set[str]:
    """The field names in the first cells of the tables, without the path before them."""
    cells = re.findall(r"^\| (`[^|]*) \|", TEXT, re.MULTILINE)
    names = re.findall(r"`([^`]+)`", " ".join(cells))
    return {name.rpartition(".")[2] for name in names}


def test_readme_has_examples() -> None:
    assert len(EXAMPLES) >= 15


@pytest.mark.parametrize("example", EXAMPLES, ids=[text[:40] for text in EXAMPLES])
def test_example_is_a_golden_message_and_decodes(example: str) -> None:
    assert example in GOLDEN_TEXTS
    message = json.loads(example)
    if "status" in message:
        assert decode_classic_answer(example).status == message["status"]
    elif message.get("type") in ("hello", "rows"):
        read = v1.decode_client_message(example, max_rows=512)
        assert isinstance(read, v1.Hello | v1.ReadRows)
        assert isinstance(read, v1.Hello) or not read.invalid
    elif "type" in message:
        assert v1.decode_server_message(example) is not None
    else:
        assert isinstance(classic_session().receive(example), AcceptedRow)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_every_field_of_a_message_is_explained(message: type[msgspec.Struct]) -> None:
    fields = {field.encode_name for field in msgspec.structs.fields(message)}
    assert fields - named_fields() == set()


def test_every_error_code_is_explained_with_its_retry_rule() -> None:
    errors = TEXT.partition("## Errors")[2].partition("## Limits")[0]
    said = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| (yes|no)", errors, re.MULTILINE))
    assert said == {code.value: "yes" if code in RETRYABLE else "no" for code in ErrorCode}


def test_every_closed_list_is_explained() -> None:
    lists = (rows.ClockState, rows.Direction, rows.SentImageStatus)
    for value in [*(text for kind in lists for text in get_args(kind)), *rows.Table]:
        assert f"`{value}`" in TEXT


def test_limits_are_those_of_the_code() -> None:
    defaults = Limits()
    for number in (
        defaults.frame_bytes,
        defaults.rows_per_frame,
        defaults.picture_bytes,
        defaults.picture_pixels,
        limits.JSON_BYTES,
        limits.JSON_LEVELS,
        limits.EMBEDDING_BYTES,
        limits.LANDMARKS,
        limits.ID_CHARACTERS,
        limits.WATCHED_PLATES,
        limits.PLATES_PER_PART,
    ):
        assert re.search(rf"^\|.*\b{number}\b", TEXT, re.MULTILINE), f"{number} is not said"
    assert f"`license_plate` | text({limits.PLATE_CHARACTERS})" in TEXT
    assert f"`hostname` | text({limits.NAME_CHARACTERS})" in TEXT
    assert f"`message` | text({limits.MESSAGE_CHARACTERS})" in TEXT
    assert v1.SUBPROTOCOL in TEXT

"""Names of rows: versions and variants of RFC 9562, order in time, one name for one content."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.message_id import content_id, is_message_id, time_ordered_id

random_bytes = st.binary(min_size=10, max_size=10)
parts = st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), max_size=5)


@given(st.integers(0, 2**48 - 1), random_bytes)
def test_time_ordered_id_is_a_uuid_of_version_7(unix_ms: int, random: bytes) -> None:
    text = time_ordered_id(unix_ms, random)
    read = uuid.UUID(text)
    assert str(read) == text
    assert is_message_id(text)
    assert (read.version, read.variant) == (7, uuid.RFC_4122)
    assert read.int >> 80 == unix_ms
    kept = int.from_bytes(random, "big") & ~(0xF << 76) & ~(0x3 << 62)
    assert read.int & ((1 << 80) - 1) & ~(0xF << 76) & ~(0x3 << 62) == kept, "74 random bits"


@given(st.integers(0, 2**48 - 2), st.integers(1, 10**9), random_bytes, random_bytes)
def test_later_ids_sort_behind_earlier_ones(
    unix_ms: int, later_ms: int, one: bytes, other: bytes
) -> None:
    later = min(unix_ms + later_ms, 2**48 - 1)
    assert time_ordered_id(unix_ms, one) < time_ordered_id(later, other)


def test_time_outside_48_bits_is_clamped() -> None:
    """A clock far off must not stop the camera: order is a convenience, uniqueness the promise."""
    assert uuid.UUID(time_ordered_id(-5, bytes(10))).int >> 80 == 0
    assert uuid.UUID(time_ordered_id(2**60, bytes(10))).int >> 80 == 2**48 - 1


def test_known_id() -> None:
    """The example of RFC 9562, appendix A.6."""
    random = (0xCC3 << 64 | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    assert time_ordered_id(0x017F22E279B0, random) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_wrong_number_of_random_bytes_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected 10 random bytes, got 9"):
        time_ordered_id(0, bytes(9))


@given(parts)
def test_content_id_is_a_uuid_of_version_8(said: list[str | None]) -> None:
    text = content_id(said)
    read = uuid.UUID(text)
    assert str(read) == text
    assert (read.version, read.variant) == (8, uuid.RFC_4122)
    assert content_id(list(said)) == text


@given(parts, parts)
def test_content_ids_differ_where_the_parts_differ(
    one: list[str | None], other: list[str | None]
) -> None:
    assert (content_id(one) == content_id(other)) is (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["ab", "c"], ["a", "bc"]),
        (["ab"], ["a", "b"]),
        (["a", ""], ["", "a"]),
        (["a"], ["a", ""]),
        ([""], [None]),
        ([b"\xff"], [None]),
        ([], [""]),
        ([None, "a"], ["a", None]),
    ],
)
def test_parts_that_move_across_a_boundary_give_another_id(
    one: list[str | bytes | None], other: list[str | bytes | None]
) -> None:
    assert content_id(one) != content_id(other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0198835e1b7a7c3e9a512f6d8c40b1e7",
        "0198835E-1B7A-7C3E-9A51-2F6D8C40B1E7",
        "{0198835e-1b7a-7c3e-9a51-2f6d8c40b1e7}",
        "0198835e-1b7a-7c3e-9a51-2f6d8c40b1e7\n",
        "0198835e-1b7a-7c3e-9a51-2f6d8c40b1eg",
        "๐198835e-1b7a-7c3e-9a51-2f6d8c40b1e7",
    ],
)
def test_other_spellings_are_no_message_ids(text: str) -> None:
    assert not is_message_id(text)

"""How deep JSON is nested: counted on its bytes by us, by walking the value here."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from wire.checks import check_json
from wire.errors import RowInvalid
from wire.limits import JSON_LEVELS

texts = st.text(
    st.sampled_from(["[", "]", "{", "}", '"', "\\", "/", "e", "0", ",", ":", "ก", "\n"]),
    max_size=6,
)
leaves = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(-1e9, 1e9) | texts


def levels(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(levels, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(levels, value), default=0)
    return 0


@st.composite
def nested(draw: st.DrawFn) -> Any:
    """A value around the limit: a small one within some thirty more, each with neighbours."""
    inner = st.lists(leaves, max_size=3) | st.dictionaries(texts, leaves, max_size=3)
    value = draw(st.recursive(leaves, lambda deeper: st.lists(deeper | inner, max_size=3)))
    for _ in range(draw(st.sampled_from([0, 3, JSON_LEVELS - 4, JSON_LEVELS, JSON_LEVELS + 2]))):
        neighbours = draw(st.lists(leaves | inner, max_size=2))
        as_list = draw(st.booleans())
        value = [*neighbours, value] if as_list else {draw(texts): value, "": neighbours}
    return value if isinstance(value, dict | list) else [value]


@settings(deadline=None)
@given(
    nested(),
    st.booleans(),
    st.sampled_from([None, 1]),
    st.sampled_from([(",", ":"), (" , ", ": ")]),
)
@example([], False, None, (",", ":"))
@example({"a": '["' * 40}, True, None, (",", ":"))
@example([["\\", "]"]], True, None, (",", ":"))
def test_levels_counted_on_bytes_are_those_of_the_value(
    value: Any, ascii_only: bool, indent: int | None, separators: tuple[str, str]
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=separators)
    raw = Raw(text.encode())
    if levels(value) > JSON_LEVELS:
        with pytest.raises(RowInvalid, match=f"JSON of at most {JSON_LEVELS} levels"):
            check_json("data.evidence", raw, (dict, list))
    else:
        said = check_json("data.evidence", raw, (dict, list))
        assert said is not None
        assert json.loads(said) == value

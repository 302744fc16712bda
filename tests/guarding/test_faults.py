"""What is wrong is told in our words, of all that a request's parts are made of."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from guarding.faults import fault_in_words


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", from_attributes=True)

    count: int = Field(default=1, ge=0, le=9)
    share: float = Field(default=0.5, gt=0)
    kind: Literal["a", "b"] = "a"
    names: list[str] = Field(default=[], max_length=1)
    pair: tuple[int, int] = (1, 2)
    counts: dict[str, int] = {}
    inner: Part | None = None


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ([], "body: expected an object"),
        ("x", "body: expected an object, got 'x'"),
        ({"inner": 3}, "body.inner: expected an object, got 3"),
        ({"inner": {"more": 3}}, "body.inner.more: there is no such field"),
        ({"count": -1}, "body.count: expected at least 0, got -1"),
        ({"count": 10}, "body.count: expected at most 9, got 10"),
        ({"count": 1.5}, "body.count: expected a valid integer, got 1.5"),
        ({"count": "one"}, "body.count: expected a valid integer, got 'one'"),
        ({"share": 0}, "body.share: expected greater than 0, got 0"),
        ({"kind": "c"}, "body.kind: expected 'a' or 'b', got 'c'"),
        ({"names": ["a", "b"]}, "body.names: expected at most 1 item, not 2"),
        ({"names": "a"}, "body.names: expected a list, got 'a'"),
        ({"pair": 3}, "body.pair: expected a list, got 3"),
        ({"counts": 3}, "body.counts: expected an object, got 3"),
        ({"kind": "c" * 500}, f"body.kind: expected 'a' or 'b', got '{'c' * 79}..."),
    ],
)
def test_each_fault_says_where_what_was_expected_and_what_was_seen(sent: object, told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Part).validate_python(sent)
    (fault,) = caught.value.errors()
    assert fault_in_words(fault, ("body", *fault["loc"])) == told

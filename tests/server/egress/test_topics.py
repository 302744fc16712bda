"""What the broker is told: every name is one level of a topic, and no two are alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.egress.topics import level_of


@given(st.text(max_size=20), st.text(max_size=20))
def test_names_become_levels_that_differ_where_the_names_do(one: str, other: str) -> None:
    for name in (one, other):
        assert not set(level_of(name)) & set("/+#\x00 ")
    assert (level_of(one) == level_of(other)) is (one == other)


def test_a_plain_name_stays_as_it_is() -> None:
    assert level_of("gate-north_1") == "gate-north_1"
    assert level_of("classic:gate").startswith("classic_gate_")

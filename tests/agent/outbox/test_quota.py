"""The decision what to give up: enough, in the right order, and never without need."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.outbox.quota import (
    HeldPicture,
    Limits,
    Need,
    Reason,
    Standing,
    Usage,
    enough,
    in_order,
    need,
)

MEGABYTE = 1_000_000
sizes = st.integers(0, 10_000 * MEGABYTE)
pictures = st.lists(
    st.builds(
        HeldPicture,
        names=st.just(("a.jpg",)),
        rows=st.just((("detection_results", 1),)),
        standing=st.sampled_from(Standing),
        age=st.tuples(st.integers(0, 1), st.text(alphabet="0123", max_size=3)),
        size_bytes=st.integers(0, 1000),
    ),
    max_size=40,
)


@given(spool=sizes, free=sizes, quota=sizes, floor=sizes)
def test_need_is_felt_beyond_a_limit_only_and_ends_within_it(
    spool: int, free: int, quota: int, floor: int
) -> None:
    limits = Limits(quota_bytes=quota, floor_bytes=floor)
    needed = need(Usage(spool_bytes=spool, free_bytes=free), limits)
    is_within = (not quota or spool < quota) and free >= floor
    if needed is None:
        assert not quota or spool <= quota
        assert free >= floor
        return
    assert not is_within
    after = spool - needed.size_bytes
    assert after >= 0
    if quota:
        assert after <= quota
    assert free + needed.size_bytes >= floor or after == 0


def test_no_limits_no_need() -> None:
    assert need(Usage(spool_bytes=10**12, free_bytes=0), Limits()) is None


def test_quota_frees_a_little_more_than_needed() -> None:
    limits = Limits(quota_bytes=100 * MEGABYTE)
    assert need(Usage(spool_bytes=100 * MEGABYTE, free_bytes=0), limits) is None
    assert need(Usage(spool_bytes=101 * MEGABYTE, free_bytes=0), limits) == Need(
        reason=Reason.QUOTA, size_bytes=6 * MEGABYTE
    )


def test_floor_is_named_where_it_asks_for_more() -> None:
    limits = Limits(quota_bytes=100 * MEGABYTE, floor_bytes=200 * MEGABYTE)
    needed = need(Usage(spool_bytes=101 * MEGABYTE, free_bytes=150 * MEGABYTE), limits)
    assert needed is not None
    assert needed.reason is Reason.FREE_SPACE


@given(pictures, st.integers(0, 20_000))
def test_just_enough_goes_and_nothing_dearer_before_something_cheaper(
    held: list[HeldPicture], size_bytes: int
) -> None:
    chosen = list(enough(in_order(held), size_bytes))
    kept = in_order(held)[len(chosen) :]
    assert in_order(held)[: len(chosen)] == chosen
    freed = sum(picture.size_bytes for picture in chosen)
    assert freed >= min(size_bytes, sum(picture.size_bytes for picture in held))
    if chosen:
        assert freed - chosen[-1].size_bytes < size_bytes
        dearest = max((picture.standing, picture.age) for picture in chosen)
        assert all((picture.standing, picture.age) >= dearest for picture in kept)

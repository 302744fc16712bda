"""The index finds what is nearest, and only what is in it."""

# ruff: noqa: SLF001 - its memory, unasked

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from server.faces import eight_bits
from server.faces.decision import Vectors
from server.faces.index import AMONG, MOST_MULTIPLIED, FaceIndex, Found
from server.faces.sign_codes import COMPARED, NEAR_TIMES, STRIP, bits_set, bits_set_by_sums, nearest

NUMBERS = 32
NEAR = NEAR_TIMES * COMPARED
MANY = STRIP + 5000
"""More than lie in one strip, and than are compared."""


def drawn(count: int, seed: int) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((count, NUMBERS), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def like(vectors: Vectors, seed: int) -> Vectors:
    """Another picture of each: a cosine of about 0.8."""
    other = vectors + 0.75 * drawn(len(vectors), seed)
    return other / np.linalg.norm(other, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def gallery() -> Vectors:
    return drawn(MANY, 1)


@pytest.fixture(params=[MOST_MULTIPLIED, 0], ids=["multiplied", "by codes"])
def most_multiplied(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def filled(gallery: Vectors, most_multiplied: int, *, at_once: int = MANY) -> FaceIndex:
    index = FaceIndex(NUMBERS, most_multiplied=most_multiplied)
    for start in range(0, len(gallery), at_once):
        part = gallery[start : start + at_once]
        added(index, np.arange(start, start + len(part)), part)
    return index


def added(index: FaceIndex, numbers: NDArray[np.int64], vectors: Vectors) -> None:
    """Three vectors each are of one person."""
    index.add(numbers.astype(np.uint64), numbers // 3, vectors)


def best_of(gallery: Vectors, asked: Vectors) -> list[int]:
    """By looking at all of them."""
    return [int(best) for best in (asked @ gallery.T).argmax(axis=1)]


@pytest.mark.parametrize("count", [1, COMPARED, COMPARED + 1, NEAR + 1, MANY])
def test_what_is_nearest_is_found_among_few_and_many(
    gallery: Vectors, most_multiplied: int, count: int
) -> None:
    index = filled(gallery[:count], most_multiplied, at_once=7001)
    asked = like(gallery[:count:97], 2)
    found = index.search(asked, 3)
    assert [keys[0] for keys in found] == best_of(gallery[:count], asked)
    assert {len(keys) for keys in found} == {min(3, count)}


def test_the_nearest_come_in_order_and_each_once(gallery: Vectors, most_multiplied: int) -> None:
    (found,) = filled(gallery, most_multiplied).search(gallery[:1], 32)
    cosines = gallery[found] @ gallery[0]
    assert len(set(found.tolist())) == 32
    assert (np.diff(cosines) <= 1e-3).all()
    assert (found[0], cosines[0]) == (0, pytest.approx(1, abs=1e-3))


def test_who_is_taken_out_is_found_no_more_and_all_others_are(
    gallery: Vectors, most_multiplied: int
) -> None:
    index = filled(gallery, most_multiplied)
    gone = np.concatenate([np.arange(0, MANY, 3), np.arange(MANY - 100, MANY)]).astype(np.uint64)
    index.remove(gone)
    stay = np.setdiff1d(np.arange(MANY), gone.astype(np.int64))
    assert sorted(index.keys().tolist()) == stay.tolist()
    asked = like(gallery[::97], 2)
    found = [int(keys[0]) for keys in index.search(asked, 1)]
    assert found == stay[best_of(gallery[stay], asked)].tolist()
    added(index, gone.astype(np.int64), gallery[gone.astype(np.int64)])
    assert [int(keys[0]) for keys in index.search(asked, 1)] == best_of(gallery, asked)


def test_nothing_is_left_in_memory_of_who_is_taken_out(
    gallery: Vectors, most_multiplied: int
) -> None:
    index = filled(gallery[: eight_bits.STRIP + 100], most_multiplied)
    index.search(gallery[:1], 1)
    index.remove(np.arange(40, 200, dtype=np.uint64))
    left = eight_bits.STRIP - 60
    held = (index._keys, index._vectors, index._codes._rest)
    assert [bool(each[left:].any()) for each in held] == [False] * 3
    assert not index._codes._strips[0, :, left:].any()
    assert not index._eight_bits._strips


def test_the_same_are_found_alone_and_together_and_they_are_the_nearest(
    gallery: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = filled(gallery, MOST_MULTIPLIED)
    asked = np.concatenate([like(gallery[:20], 2), drawn(20, 3)])
    together = index.search(asked, 32)
    for found, question in zip(together, asked, strict=True):
        cosines = gallery @ question
        least = np.sort(cosines)[-32]
        assert len(set(found.tolist())) == 32
        assert (cosines[found] >= least - 1e-4).all()
    alone = [index.search(question[np.newaxis], 32)[0] for question in asked]
    assert np.array_equal(together, alone)
    monkeypatch.setattr(eight_bits, "_MOST_PRODUCTS", 3 * MANY)
    assert np.array_equal(together, index.search(asked, 32))


def test_a_strip_is_laid_out_anew_where_another_face_came_to_lie(gallery: Vectors) -> None:
    index = filled(gallery[:100], MOST_MULTIPLIED)
    assert index.search(gallery[99:100], 1)[0].tolist() == [99]
    index.remove(np.asarray([3], np.uint64))
    added(index, np.asarray([700]), gallery[700:701])
    found = index.search(gallery[[3, 99, 700]], 1)
    assert [int(keys[0]) for keys in found[1:]] == [99, 700]
    assert found[0][0] != 3


def test_whose_the_nearest_are_is_told_with_all_that_is_held_on_them(
    gallery: Vectors, most_multiplied: int
) -> None:
    index = filled(gallery, most_multiplied)
    asked = like(gallery[:90:10], 2)
    found = index.people(asked, [4] * 8 + [0])
    assert [people[:1] for people in found.people] == [
        *([key // 3] for key in best_of(gallery, asked)[:-1]),
        [],
    ]
    assert [len(set(people)) for people in found.people] == [*[4] * 8, 0]
    assert set(found.held) == {who for people in found.people for who in people}
    for class_id, held in found.held.items():
        assert np.allclose(held, gallery[class_id * 3 : class_id * 3 + 3], atol=2e-5)


def test_who_is_second_is_told_behind_many_pictures_of_the_first(
    gallery: Vectors, most_multiplied: int
) -> None:
    index = FaceIndex(NUMBERS, most_multiplied=most_multiplied)
    burst = np.repeat(gallery[:1], 20 * AMONG, axis=0)
    owners = np.asarray([5] * len(burst) + [7, 6])
    second = (gallery[0] + 0.1 * gallery[1]) / np.linalg.norm(gallery[0] + 0.1 * gallery[1])
    vectors = np.concatenate([burst, second[np.newaxis], gallery[2:3]])
    index.add(np.arange(len(owners), dtype=np.uint64), owners, vectors)
    found = index.people(gallery[[0, 2]], [2, 2])
    assert [found.people[0], found.people[1][0]] == [[5, 7], 6]


def test_whose_a_vector_is_follows_what_comes_and_goes(gallery: Vectors) -> None:
    index = filled(gallery[:300], MOST_MULTIPLIED)
    index.people(gallery[:1], [1])
    index.remove(np.arange(3, 5, dtype=np.uint64))
    added(index, np.asarray([16]), gallery[400:401])  # a fourth of person 5
    found = index.people(gallery[[5, 400]], [1, 1])
    assert found.people == [[1], [5]]
    assert np.allclose(found.held[1], gallery[5:6], atol=2e-5)
    assert len(found.held[5]) == 4


def test_what_is_not_there_can_be_taken_out_and_nobody_is_found_in_an_empty_index() -> None:
    index = FaceIndex(NUMBERS)
    index.remove(np.asarray([4], np.uint64))
    added(index, np.asarray([7]), drawn(1, 1))
    index.remove(np.asarray([4, 7, 9], np.uint64))
    assert len(index) == 0
    assert [keys.tolist() for keys in index.search(drawn(2, 1), 5)] == [[], []]
    assert index.people(drawn(2, 1), [5, 5]) == Found(people=[[], []], held={})


def test_room_that_was_not_to_be_had_is_made_the_next_time(
    gallery: Vectors, most_multiplied: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = filled(gallery[:100], most_multiplied)
    with monkeypatch.context() as patch:
        borrowed = index._vectors[:]  # what numpy lets nobody resize
        patch.setattr(index, "_vectors", borrowed)
        with pytest.raises(ValueError, match="cannot resize"):
            added(index, np.arange(100, 300), gallery[100:300])
    added(index, np.arange(100, 300), gallery[100:300])
    asked = like(gallery[:300], 2)
    found = [int(keys[0]) for keys in index.search(asked, 1)]
    assert found == best_of(gallery[:300], asked)


class Full(np.ndarray):  # type: ignore[type-arg]
    """Nothing more can be written: memory is at its end."""

    def __setitem__(self, *_: object) -> None:
        raise MemoryError


@pytest.mark.parametrize("part", ["_owners", "_vectors"])
def test_who_is_half_taken_out_is_nobody_and_nobody_else(
    gallery: Vectors, most_multiplied: int, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = filled(gallery[:10], most_multiplied)
    with monkeypatch.context() as patch:
        patch.setattr(index, part, getattr(index, part).view(Full))
        with pytest.raises(MemoryError):
            index.remove(np.asarray([0], np.uint64))
    missing = np.setdiff1d(np.arange(1, 10), index.keys().astype(np.int64))
    added(index, missing, gallery[missing])
    assert [int(keys[0]) for keys in index.search(gallery[1:10], 1)] == [*range(1, 10)]
    found = index.people(gallery[1:10], [1] * 9)
    assert found.people == [[number // 3] for number in range(1, 10)]
    assert np.allclose(found.held[0], gallery[1:3], atol=2e-5)


def test_the_same_vector_many_times_over_hides_nothing(
    gallery: Vectors, most_multiplied: int
) -> None:
    crowd = np.repeat(gallery[:1], 3 * NEAR, axis=0)
    index = filled(np.concatenate([crowd, gallery[1:200]]), most_multiplied)
    assert [int(keys[0]) for keys in index.search(gallery[1:200], 1)] == [
        *range(3 * NEAR, 3 * NEAR + 199)
    ]


def test_an_opposite_is_not_taken_for_the_nearest(gallery: Vectors, most_multiplied: int) -> None:
    index = filled(np.concatenate([-gallery[:1], gallery[1:MANY]]), most_multiplied)
    assert index.search(gallery[:1], 1)[0][0] == best_of(gallery[1:], gallery[:1])[0] + 1


def test_at_least_as_many_are_near_as_are_asked_for_however_few_are_sampled() -> None:
    found = np.full(100_000, 90, np.uint8)
    found[1:700] = np.arange(699) % 80
    assert len(nearest(found, 500, 500)) >= 500
    assert len(nearest(found, 701, 701)) == len(found)


@pytest.mark.parametrize("count", [1, 7, 8, 100_003])
def test_the_near_are_in_their_places_to_the_last(count: int) -> None:
    found = np.random.default_rng(4).integers(60, 90, count).astype(np.uint8)
    found[[0, -1]] = 3
    assert set(nearest(found, min(2, count), min(2, count))) == {0, count - 1}
    assert nearest(found, count, count).tolist() == list(range(count))


def test_bits_are_counted_alike_with_and_without_numpys_own_function() -> None:
    words = np.random.default_rng(1).integers(0, 2**64, (2, 1000), dtype=np.uint64)
    words[0, :2] = 0, 2**64 - 1
    assert (bits_set(words) == bits_set_by_sums(words)).all()
    room = np.full_like(words, 7, np.uint8)
    assert bits_set_by_sums(words, room) is room
    assert (bits_set(words) == room).all()
    assert bits_set_by_sums(words)[0, :2].tolist() == [0, 64]

"""Codes of vectors: on which side of many planes each lies. Two vectors at an angle of a (radians)
differ in a share of a / pi of their bits (Charikar 2002), so that codes tell who may be near.

The first FIRST words of many codes lie in strips, shape (strips, FIRST, STRIP), dtype uint64: the
first words of STRIP vectors, then their second words.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from server.faces.decision import Vectors

Words = NDArray[np.uint64]
Distances = NDArray[np.uint8]
Places = NDArray[np.intp]

WORDS: Final = 4
FIRST: Final = 2
"""Words that are looked at of every code; the rest only of those that are near by these."""

COMPARED: Final = 512
"""Vectors whose codes are nearest are near enough to be compared themselves."""

NEAR_TIMES: Final = 4
NEAR_SHARE: Final = 128
"""Of so many vectors one, and NEAR_TIMES as many as are compared at least, is near enough by the
first words of its code to have all of it looked at. docs/measurements.md says why so many."""

STRIP: Final = 32_768
"""Codes looked at by one operation: few enough for a core's second cache, and enough for numpy to
have little to say in between."""

_WORD_BITS: Final = 64
_SEED: Final = 1
_SAMPLED: Final = 8192
"""Distances that are counted to guess how far is far enough."""


class Planes:
    """WORDS * 64 planes through the origin, at right angles as far as there is room for that."""

    def __init__(self, numbers: int) -> None:
        """For vectors of so many numbers."""
        random = np.random.default_rng(_SEED)
        bits = WORDS * _WORD_BITS
        turns = [
            np.linalg.qr(random.standard_normal((numbers, numbers)))[0]
            for _ in range(-(-bits // numbers))
        ]
        self._normals: Vectors = np.concatenate(turns, axis=1)[:, :bits].astype(np.float32)

    def codes(self, vectors: Vectors) -> Words:
        """Shape (how many, WORDS)."""
        sides = vectors @ self._normals > 0
        return np.packbits(sides, axis=1, bitorder="little").view(np.uint64)


class SignCodes:
    """Of vectors that somebody else keeps, by their places. May be asked from many threads, but not
    while it changes."""

    def __init__(self, numbers: int) -> None:
        """For vectors of so many numbers."""
        self._planes = Planes(numbers)
        self._strips: Words = np.empty((0, FIRST, STRIP), np.uint64)
        self._rest: Words = np.empty((0, WORDS - FIRST), np.uint64)

    def of(self, vectors: Vectors) -> Words:
        """Shape (how many, WORDS)."""
        return self._planes.codes(vectors)

    def make_room(self, places: int) -> None:
        """For so many, where they are: nobody may hold a part of them."""
        self._rest.resize((places, WORDS - FIRST), refcheck=False)
        self._strips.resize((-(-places // STRIP), FIRST, STRIP), refcheck=False)

    def put(self, places: Places, codes: Words) -> None:
        """Those codes are there from now on."""
        self._strips[places // STRIP, :, places % STRIP] = codes[:, :FIRST]
        self._rest[places] = codes[:, FIRST:]

    def move(self, places: Places, to: Places) -> None:
        """Those are there too from now on."""
        strips = self._strips
        strips[to // STRIP, :, to % STRIP] = strips[places // STRIP, :, places % STRIP]
        self._rest[to] = self._rest[places]

    def clear(self, places: Places) -> None:
        """Overwrites them."""
        self._strips[places // STRIP, :, places % STRIP] = 0
        self._rest[places] = 0

    def nearest(self, count: int, asked: Vectors, compared: int = COMPARED) -> list[Places]:
        """Of each: places of at least `compared` of the first `count`, where there are so many."""
        return [self._near(count, code, compared) for code in self.of(asked)]

    def _near(self, count: int, code: Words, compared: int) -> Places:
        if count <= compared:
            return np.arange(count)
        first = distances(self._strips, count, code)
        near = nearest(first, max(NEAR_TIMES * compared, count // NEAR_SHARE), compared)
        # An exact opposite, whose 256 bits all differ, counts as 0: its cosine tells it.
        rest = bits_set(self._rest.take(near, axis=0) ^ code[FIRST:])
        return near[nearest(first[near] + rest[:, 0] + rest[:, 1], compared, compared)]


def distances(strips: Words, count: int, code: Words) -> Distances:
    """In how many of their first bits the first `count` codes differ from that one."""
    used = -(-count // STRIP)
    found = np.empty((used, STRIP), np.uint8)
    differing = np.empty(STRIP, np.uint64)
    bits = np.empty(STRIP, np.uint8)
    for strip, total in zip(strips[:used], found, strict=True):
        np.bitwise_xor(strip[0], code[0], out=differing)
        bits_set(differing, total)
        np.bitwise_xor(strip[1], code[1], out=differing)
        np.add(total, bits_set(differing, bits), out=total)
    return found.ravel()[:count]


def nearest(found: Distances, about: int, least: int = 1) -> Places:
    """Places of about so many of the smallest distances, by a sample where they are many: `least`
    at least, of which there are more, and all that are as small as the largest of them."""
    step = max(1, len(found) // _SAMPLED)
    counts = np.bincount(found[::step]).cumsum()
    reach = int(counts.searchsorted(-(-about // step)))
    while len(near := _places(found <= reach)) < least:
        reach += 1
    return near


def _places(wanted: NDArray[np.bool_]) -> Places:
    """Where it is true, which is seldom: eight are passed over at a time, in half the time of
    `nonzero`."""
    whole = len(wanted) // 8 * 8
    eights = wanted[:whole].reshape(-1, 8)
    some = (eights.view(np.uint64).ravel() != 0).nonzero()[0]
    among = eights.take(some, axis=0).ravel().nonzero()[0]
    last = wanted[whole:].nonzero()[0]
    return np.concatenate([(some[among >> 3] << 3) + (among & 7), last + whole])


def bits_set(words: Words, out: Distances | None = None) -> Distances:
    """Of each word; into `out` where that is given."""
    if hasattr(np, "bitwise_count"):
        return np.bitwise_count(words, out=out)
    return bits_set_by_sums(words, out)


def bits_set_by_sums(words: Words, out: Distances | None = None) -> Distances:
    """The same with numpy 1, far slower: sums of pairs of bits, of fours, of eights, and
    of all eights by a multiplication (Warren, Hacker's Delight, 5-1)."""
    pairs, fours, eights, ones = (
        np.uint64(each)
        for each in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F, 0x0101010101010101)
    )
    words = words - ((words >> np.uint64(1)) & pairs)
    words = (words & fours) + ((words >> np.uint64(2)) & fours)
    words = (words + (words >> np.uint64(4))) & eights
    found = np.empty(words.shape, np.uint8) if out is None else out
    np.right_shift(words * ones, np.uint64(56), out=found, casting="unsafe")
    return found

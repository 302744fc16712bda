"""Vectors in eight bits a number, multiplied with many questions at once by compiled code, which
reads each vector once for all of them. What is nearest by that is nearest, or nearly.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Final

import numkong
import numpy as np
from numpy.typing import NDArray

from server.faces.decision import Vectors
from server.faces.sign_codes import Places

SixteenBits = NDArray[np.int16]
"""Vectors of length 32,767, shape (how many, numbers)."""

ONE: Final = 32_767

STRIP: Final = 8192
"""Vectors that are laid out for the multiplication together, and anew when one of them changes."""

_ROWS: Final = 32
_COLUMNS: Final = STRIP // _ROWS
"""Products with a strip as a table: only columns with a high one are looked at closely."""

_MOST_PRODUCTS: Final = 1 << 22
"""Held at once, 16 MB."""

_LEAST: Final = np.iinfo(np.int32).min

_SMALLEST_TYPICAL: Final = 32
"""With so many numbers a vector's largest may be about 1, with four times as many a half."""


class EightBitVectors:
    """A copy of vectors that somebody else keeps. May be asked from many threads, but not while the
    vectors change."""

    def __init__(self, numbers: int) -> None:
        """For vectors of so many numbers."""
        self._shift = 8 - max(0, round(math.log2(numbers / _SMALLEST_TYPICAL) / 2))
        self._strips: dict[int, numkong.PackedMatrix] = {}
        self._laying_out = threading.Lock()

    def forget(self, places: Places) -> None:
        """Other vectors are there now, or none."""
        for strip in np.unique(places // STRIP).tolist():
            self._strips.pop(strip, None)

    def nearest(self, vectors: SixteenBits, count: int, asked: Vectors, most: int) -> Places:
        """Places of those of the first `count` vectors that are nearest to each, in no order: shape
        (len(asked), most). `most` is `count` at most, which is 1 at least."""
        strips = self._laid_out(vectors, count)
        questions = self._rounded(np.rint(asked * ONE))
        together = max(1, _MOST_PRODUCTS // (len(strips) * STRIP))
        found = [
            _highest(_products(strips, count, questions[start : start + together]), most)
            for start in range(0, len(questions), together)
        ]
        return np.concatenate(found)

    def _laid_out(self, vectors: SixteenBits, count: int) -> Sequence[numkong.PackedMatrix]:
        wanted = range(-(-count // STRIP))
        with self._laying_out:
            for strip in wanted:
                if strip not in self._strips:
                    there = vectors[strip * STRIP : min(count, (strip + 1) * STRIP)]
                    whole = np.zeros((STRIP, there.shape[1]), np.int8)
                    whole[: len(there)] = self._rounded(there)
                    self._strips[strip] = numkong.dots_pack(whole, dtype="int8")
            return [self._strips[strip] for strip in wanted]

    def _rounded(self, vectors: NDArray[np.int16] | Vectors) -> NDArray[np.int8]:
        half = 1 << (self._shift - 1)
        return ((vectors.astype(np.int32) + half) >> self._shift).clip(-127, 127).astype(np.int8)


def _products(
    strips: Sequence[numkong.PackedMatrix], count: int, questions: NDArray[np.int8]
) -> NDArray[np.int32]:
    """Shape (strips, questions, STRIP); the least that there is behind the last vector."""
    of_one = (len(questions), STRIP)
    found = np.empty((len(strips), *of_one), np.int32)
    address = found.ctypes.data
    for number, strip in enumerate(strips):
        room = numkong.from_pointer(
            address + number * found.strides[0], of_one, "int32", owner=found
        )
        numkong.dots_packed(questions, strip, out=room)
    found[-1, :, count - (len(strips) - 1) * STRIP :] = _LEAST
    return found


def _highest(products: NDArray[np.int32], most: int) -> Places:
    """Places of the highest of each question: they lie in so many columns at most, which are among
    those with the highest maxima."""
    strips, questions, _ = products.shape
    table = products.reshape(strips, questions, _ROWS, _COLUMNS)
    maxima = table.max(axis=2).transpose(1, 0, 2).reshape(questions, -1)
    strip, column = np.divmod(_largest(maxima, most), _COLUMNS)
    down = np.arange(0, STRIP, _COLUMNS)
    in_strip = column[:, :, np.newaxis] + down
    of_question = strip * questions + np.arange(questions)[:, np.newaxis]
    values = products.take(of_question[:, :, np.newaxis] * STRIP + in_strip)
    places = (strip[:, :, np.newaxis] * STRIP + in_strip).reshape(questions, -1)
    return np.take_along_axis(places, _largest(values.reshape(questions, -1), most), axis=1)


def _largest(values: NDArray[np.int32], most: int) -> Places:
    """Where they are in each row, in no order; all where there are not so many."""
    if most >= values.shape[1]:
        return np.tile(np.arange(values.shape[1]), (len(values), 1))
    return values.argpartition(-most, axis=1)[:, -most:]

"""Class probabilities over time become the characters that they mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.plates.ctc import decode, folded

LABELS = ("", "A", "B", "0", "O")


def steps(*classes: int, certainty: float = 0.9) -> np.ndarray:
    probabilities = np.full((len(classes), len(LABELS)), (1 - certainty) / (len(LABELS) - 1))
    probabilities[np.arange(len(classes)), list(classes)] = certainty
    return probabilities.astype(np.float32)


def test_repeats_merge_and_blanks_part() -> None:
    assert decode(steps(0, 1, 1, 0, 1, 2, 2, 0), LABELS).text == "AAB"


def test_nothing_but_blanks_is_an_empty_line() -> None:
    line = decode(steps(0, 0, 0), LABELS)
    assert line.text == ""
    assert line.positions == ()


@given(st.text(alphabet="AB0O", max_size=12), st.integers(1, 3), st.integers(1, 2))
def test_any_text_written_as_steps_is_read_back(text: str, repeat: int, blanks: int) -> None:
    classes = [0]
    for character in text:
        classes += [LABELS.index(character)] * repeat + [0] * blanks
    line = decode(steps(*classes), LABELS)
    assert line.text == text
    assert list(line.positions) == sorted(line.positions)
    assert all(0 < position < 1 for position in line.positions)


def test_the_surest_step_of_a_character_speaks_for_it() -> None:
    probabilities = steps(1, 1, 1, certainty=0.6)
    probabilities[1] = [0.02, 0.9, 0.06, 0.02, 0.0]
    (character,) = decode(probabilities, LABELS).characters
    assert character.confidence == pytest.approx(0.9)
    assert character.alternatives[0] == ("B", pytest.approx(0.06))


@given(st.lists(st.lists(st.floats(0.01, 1), min_size=5, max_size=5), min_size=1, max_size=20))
def test_alternatives_are_others_in_falling_order(rows: list[list[float]]) -> None:
    values = np.array(rows)
    line = decode((values / values.sum(axis=1, keepdims=True)).astype(np.float32), LABELS)
    for character in line.characters:
        chances = [chance for _, chance in character.alternatives]
        assert chances == sorted(chances, reverse=True)
        assert character.text not in [text for text, _ in character.alternatives]
        assert all(chance <= character.confidence for chance in chances)
        assert "" not in [text for text, _ in character.alternatives]


def test_classes_of_one_label_count_together() -> None:
    probabilities = np.array([[0.1, 0.3, 0.35, 0.25]], dtype=np.float32)
    summed, names = folded(probabilities, ("", "O", "A", "O"))
    assert names == ("", "O", "A")
    assert decode(summed, names).text == "O"


def test_wrong_number_of_classes_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"\(steps, 5\)"):
        decode(np.zeros((4, 3), dtype=np.float32), LABELS)

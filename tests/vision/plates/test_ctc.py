"""Class probabilities over time become the characters that they mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.plates.ctc import TextLine, folded
from vision.plates.hypotheses import MOST_DOUBT, MOST_HYPOTHESES, hypotheses

LABELS = ("", "A", "B", "0", "O")


def steps(*classes: int, certainty: float = 0.9) -> np.ndarray:
    probabilities = np.full((len(classes), len(LABELS)), (1 - certainty) / (len(LABELS) - 1))
    probabilities[np.arange(len(classes)), list(classes)] = certainty
    return probabilities.astype(np.float32)


def decode(probabilities: np.ndarray, labels: tuple[str, ...]) -> TextLine:
    """The best path."""
    return hypotheses(probabilities, labels)[0].line


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
    ((text, share), *_) = character.alternatives
    assert (text, round(share, 3)) == ("B", 0.06)


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


def test_where_the_network_hesitated_the_other_text_follows_with_its_doubt() -> None:
    probabilities = steps(0, 1, 0, 3, 0, certainty=0.98)
    probabilities[3] = [0.0, 0.0, 0.0, 0.6, 0.4]
    first, second, *_ = hypotheses(probabilities, LABELS)
    assert (first.line.text, first.doubt) == ("A0", 0.0)
    assert second.line.text == "AO"
    assert second.doubt == pytest.approx(np.log(0.6 / 0.4), abs=1e-5)
    assert [text for text, _ in second.line.characters[1].alternatives] == ["0"]


def test_a_character_may_be_none_and_none_a_character() -> None:
    probabilities = steps(0, 1, 0, 2, 0, certainty=0.99)
    probabilities[3] = [0.3, 0.0, 0.7, 0.0, 0.0]
    probabilities[4] = [0.8, 0.2, 0.0, 0.0, 0.0]
    texts = [hypothesis.line.text for hypothesis in hypotheses(probabilities, LABELS)]
    assert texts[0] == "AB"
    assert set(texts) >= {"AB", "A", "ABA", "AA"}


@given(st.lists(st.lists(st.floats(0.01, 1), min_size=5, max_size=5), min_size=1, max_size=12))
def test_texts_come_with_growing_doubt_and_no_more_than_is_worth_a_look(
    rows: list[list[float]],
) -> None:
    values = np.array(rows)
    found = hypotheses((values / values.sum(axis=1, keepdims=True)).astype(np.float32), LABELS)
    doubts = [hypothesis.doubt for hypothesis in found]
    assert doubts == sorted(doubts)
    assert doubts[0] == 0
    assert doubts[-1] <= MOST_DOUBT + 1e-6
    assert len(found) <= MOST_HYPOTHESES


def test_a_network_that_gives_nothing_any_share_is_sure_of_nothing() -> None:
    line = decode(np.zeros((9, len(LABELS)), np.float32), LABELS)
    assert all(character.confidence < 0.01 for character in line.characters)

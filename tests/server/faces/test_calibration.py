"""What a cosine is worth: fitted, and told as a probability."""

from __future__ import annotations

import numpy as np
import pytest

from server.faces.calibration import CAUTIOUS, calibration_of, fit


def test_probability_is_the_share_of_pairs_that_are_the_same() -> None:
    random = np.random.default_rng(1)
    same = random.normal(0.5, 0.15, 4000)
    others = random.normal(0.2, 0.15, 4000)
    logistic = fit([*same, *others], [True] * 4000 + [False] * 4000)
    for cosine in (0.25, 0.35, 0.45):
        near = [int((abs(kind - cosine) < 0.05).sum()) for kind in (same, others)]
        assert logistic.probability(cosine) == pytest.approx(near[0] / sum(near), abs=0.05)


def test_pairs_told_apart_without_fault_do_not_make_it_certain() -> None:
    logistic = fit([0.7, 0.8, 0.1, 0.0], [True, True, False, False])
    assert 0.5 < logistic.probability(0.8) < 0.95
    assert logistic.probability(0.45) == pytest.approx(0.5, abs=0.1)


def test_many_pairs_of_two_people_weigh_no_more_than_few_of_one() -> None:
    logistic = fit([0.8] * 5 + [0.2] * 5000, [True] * 5 + [False] * 5000)
    assert logistic.probability(0.5) == pytest.approx(0.5, abs=0.15)


def test_one_kind_of_pairs_is_not_enough() -> None:
    with pytest.raises(ValueError, match="of one person and of two"):
        fit([0.5], [True])


def test_a_model_that_nobody_calibrated_has_a_cautious_rule_and_no_probability() -> None:
    calibration = calibration_of("000000000000")
    assert calibration.rule == CAUTIOUS
    assert calibration.probability(0.9) is None


def test_calibrated_models_have_a_probability_that_grows_with_the_cosine() -> None:
    calibration = calibration_of("e72a5710cce3")
    told = [calibration.probability(cosine) for cosine in (0.0, 0.3, 0.6, 0.9)]
    assert all(value is not None for value in told)
    assert told == sorted(told, key=float)  # type: ignore[arg-type]

"""The face benchmark counts, splits and chooses as it says, and runs on any folder of pairs."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.faces import (
    Pair,
    accepted_at,
    area_under,
    best_threshold,
    blurred,
    dark,
    hits,
    main,
    read_pairs,
    to_width,
)
from tests.end_to_end.test_faces import SIDE, write_models

FOUND = [(0.9, True), (0.7, True), (0.5, False), (0.3, False), (-1.0, True)]


def test_threshold_lies_between_same_and_different() -> None:
    threshold = best_threshold(FOUND)
    assert 0.5 < threshold < 0.7
    assert hits(FOUND, threshold) == 4
    assert hits(FOUND, 0.95) == 2


def test_area_under_the_curve_is_the_share_of_pairs_in_the_right_order() -> None:
    assert area_under([(0.9, True), (0.1, False)]) == 1.0
    assert area_under([(0.5, True), (0.5, False)]) == 0.5
    assert area_under(FOUND) == pytest.approx(4 / 6)
    assert area_under([(0.9, True)]) is None


def test_true_accepts_are_those_above_what_so_many_strangers_reach() -> None:
    strangers = [(number / 100, False) for number in range(100)]
    same = [(0.995, True), (0.985, True), (0.5, True), (0.2, True)]
    assert accepted_at(strangers + same, 0.0) == 0.25
    assert accepted_at(strangers + same, 0.01) == 0.5
    assert accepted_at(strangers, 0.01) is None


def test_pair_is_in_one_half_whatever_its_order() -> None:
    pairs = [Pair(first=f"{n}.jpg", second=f"{n + 1}.jpg", is_same=False) for n in range(200)]
    turned = [Pair(first=one.second, second=one.first, is_same=False) for one in pairs]
    halves = [one.is_for_tuning for one in pairs]
    assert halves == [one.is_for_tuning for one in turned]
    assert 60 < sum(halves) < 140


def test_spoilt_copies_are_smaller_softer_and_darker() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (100, 200, 3), dtype=np.uint8)
    assert to_width(40)(picture, 80).shape == (50, 100, 3)
    assert to_width(40)(picture, 20).shape == picture.shape
    assert blurred(picture, 90).std() < 0.5 * picture.std()
    assert dark(picture, 90).mean() < 0.15 * picture.mean()


def test_folder_of_pairs_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_models(tmp_path / "models")
    rng = np.random.default_rng(1)
    for name, colour in (("a", (90, 120, 150)), ("b", (90, 120, 150)), ("c", (150, 90, 30))):
        noise = rng.normal(colour, 30, (SIDE, SIDE, 3)).clip(0, 255).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f"{name}.png"), noise)
    pairs = [("a", "b", "Yes"), ("a", "c", "No"), ("b", "c", "No"), ("b", "a", "Yes")]
    lines = ["file_x,file_y,Decision", *(f"{x}.png,{y}.png,{same}" for x, y, same in pairs)]
    (tmp_path / "pairs.csv").write_text("\n".join(lines))
    assert [one.is_same for one in read_pairs(tmp_path)] == [True, False, False, True]
    main([str(tmp_path), "--models", str(tmp_path / "models"), "--detectors", "finds", "--json"])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0]["pictures"] == "as they are"
    assert rows[0]["recall"]["hits"] == 3
    assert rows[0]["embedder"] == "tells"
    assert rows[0]["pairs"]["of"] + sum(one.is_for_tuning for one in read_pairs(tmp_path)) == 4


def test_folder_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path)])

"""The slot for networks that say more of a face: named scores, and errors that name the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.vision.own_models import entry, write_manifest
from tests.vision.tiny_onnx import model, node
from vision.errors import ModelFailed
from vision.faces.analysing import LOGITS, SCORES, face_analyser, part_for
from vision.geometry import Box
from vision.networks import Networks, NetworkSettings
from vision.reading import Picture

PIXELS = "3x8x8 bgr 0..1"
LABELS = ("blue", "green", "red")


def networks(
    folder: Path, decoder: str, *, labels: tuple[str, ...] = LABELS, crop: str = ""
) -> Networks:
    """With one network that tells how much of each colour there is."""
    file = model(
        [node("ReduceMean", ["pixels"], ["out"], axes=[2, 3], keepdims=0)],
        inputs={"pixels": [1, 3, 8, 8]},
        outputs={"out": [1, 3]},
    )
    folder.mkdir(exist_ok=True)
    (folder / "colours.onnx").write_bytes(file)
    text = entry("colours", file, decoder=decoder, pixels=PIXELS, labels=labels)
    write_manifest(folder, text.rstrip() + f"\n{crop}\n")
    return Networks(NetworkSettings(models_folder=folder, threads=1))


def red(side: int = 32) -> Picture:
    return np.full((side, side, 3), (0, 51, 255), np.uint8)


def test_scores_come_by_the_names_of_the_manifest_with_model_and_version(tmp_path: Path) -> None:
    analyser = face_analyser(networks(tmp_path, SCORES, crop="crop = 2.5"), "colours")
    scores = analyser.analyse(red())
    assert scores == pytest.approx({"blue": 0.0, "green": 0.2, "red": 1.0}, abs=1e-4)
    assert (analyser.task, analyser.model, analyser.crop) == ("t", "colours", 2.5)
    assert len(analyser.version) == 12


def test_logits_become_shares_of_one(tmp_path: Path) -> None:
    scores = face_analyser(networks(tmp_path, LOGITS), "colours").analyse(red())
    assert sum(scores.values()) == pytest.approx(1.0)
    assert max(scores, key=lambda name: scores[name]) == "red"


def test_labels_that_do_not_fit_the_output_are_named(tmp_path: Path) -> None:
    analyser = face_analyser(networks(tmp_path, SCORES, labels=("live", "spoof")), "colours")
    with pytest.raises(ModelFailed, match=r"model colours: .* 3 numbers, expected one of 2"):
        analyser.analyse(red())


def test_a_model_of_another_kind_analyses_no_face(tmp_path: Path) -> None:
    with pytest.raises(ModelFailed, match="expected face-scores or face-logits"):
        face_analyser(networks(tmp_path, "arcface"), "colours")


def test_a_part_is_a_square_around_the_face_and_ends_at_the_pictures_edge() -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    face = Box(x1=90, y1=40, x2=110, y2=60)
    assert part_for(picture, face, 2.0).shape == (40, 40, 3)
    assert part_for(picture, face, 8.0).shape == (100, 160, 3)
    assert part_for(picture, Box(x1=0, y1=0, x2=20, y2=20), 2.0).shape == (30, 30, 3)

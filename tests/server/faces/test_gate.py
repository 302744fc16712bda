"""What is wrong with a face is told in words, and what to do about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.faces.gate import ENROLMENT, QUERY, judge
from vision.faces.quality import FaceQuality

GOOD = FaceQuality(size=1.0, sharpness=0.8, pose=0.9, light=1.0)


def reasons(quality: FaceQuality, *, has_landmarks: bool = True) -> tuple[str, ...]:
    verdict = judge(quality, width_px=31.6, has_landmarks=has_landmarks, demands=ENROLMENT)
    return verdict.reasons


def test_a_good_face_passes() -> None:
    assert judge(GOOD, width_px=120, has_landmarks=True, demands=ENROLMENT).is_good


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"size": 0.0}, "32 pixels wide, expected at least 40"),
        ({"sharpness": 0.01}, "blurred"),
        ({"pose": 0.1}, "turned away"),
        ({"light": 0.0}, "too dark, too bright or without contrast"),
    ],
)
def test_each_fault_is_named(part: dict[str, float], said: str) -> None:
    (reason,) = reasons(replace(GOOD, **part))
    assert said in reason


def test_without_landmarks_the_command_that_helps_is_named() -> None:
    (reason,) = reasons(GOOD, has_landmarks=False)
    assert "python -m agent models fetch" in reason


def test_all_faults_are_told_at_once() -> None:
    assert len(reasons(FaceQuality(size=0.0, sharpness=0.0, pose=0.0, light=0.0))) == 4


def test_a_query_may_be_worse_than_what_is_enrolled() -> None:
    doubtful = replace(GOOD, sharpness=0.1, pose=0.3, light=0.4)
    assert not judge(doubtful, width_px=80, has_landmarks=True, demands=ENROLMENT).is_good
    assert judge(doubtful, width_px=80, has_landmarks=True, demands=QUERY).is_good

"""Whether a face is good enough to be enrolled or looked for, and in words why not. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vision.faces.quality import LEAST_PX, FaceQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """The least of each part of a face's quality, 0..1."""

    sharpness: float
    pose: float
    light: float


ENROLMENT: Final = Demands(sharpness=0.12, pose=0.35, light=0.5)
"""What is enrolled is compared with for years."""

QUERY: Final = Demands(sharpness=0.04, pose=0.15, light=0.2)
"""What is looked for once may be worse; below it, an answer would be a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`reasons` say in words what is wrong and what to do; none: the face is good enough."""

    reasons: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        return not self.reasons


def judge(
    quality: FaceQuality, *, width_px: float, has_landmarks: bool, demands: Demands
) -> Verdict:
    """Of one face, which is so many pixels wide."""
    reasons = []
    if not has_landmarks:
        reasons.append(
            "eyes, nose and mouth were not located: fetch a detector that locates them "
            "(python -m agent models fetch yunet-2023mar)"
        )
    if quality.size <= 0.0:
        reasons.append(
            f"the face is {width_px:.0f} pixels wide, expected at least {LEAST_PX:.0f}: "
            "come closer, or send a larger picture"
        )
    reasons += [
        words(value)
        for value, least, words in (
            (quality.sharpness, demands.sharpness, _blurred),
            (quality.pose, demands.pose, _turned),
            (quality.light, demands.light, _badly_lit),
        )
        if value < least
    ]
    return Verdict(reasons=tuple(reasons))


def _blurred(value: float) -> str:
    return f"the face is blurred (sharpness {value:.2f} of 1): hold still, or focus"


def _turned(value: float) -> str:
    return f"the face is turned away (pose {value:.2f} of 1): look into the camera"


def _badly_lit(value: float) -> str:
    return f"the face is too dark, too bright or without contrast (light {value:.2f} of 1)"

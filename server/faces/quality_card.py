"""A face's quality and the verdict on it, as pages and REST show them."""

from __future__ import annotations

from server.faces.contract import FaceQualityCard
from server.faces.gate import Verdict
from vision.faces.quality import FaceQuality


def card_of(quality: FaceQuality, verdict: Verdict) -> FaceQualityCard:
    """Rounded to what is shown."""
    return FaceQualityCard(
        size=round(quality.size, 3),
        sharpness=round(quality.sharpness, 3),
        pose=round(quality.pose, 3),
        light=round(quality.light, 3),
        total=round(quality.total, 3),
        reasons=verdict.reasons,
    )

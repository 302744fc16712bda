"""Fits what a cosine of two faces is worth on pairs of photographs: `python -m
benchmarks.face_calibration --models FOLDER`. Prints the entry for `server/faces/calibration.toml`.

Fitted on the tune half of the pairs, tried on the other.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import cv2
import numpy as np
from rich.console import Console

from benchmarks.faces import DEFAULT_FOLDER, Found, Pair, likenesses, look, read_pairs
from server.faces.calibration import Logistic, fit
from vision.faces.choice import AUTO, face_models
from vision.networks import Networks, NetworkSettings
from vision.pictures import load_picture

FALSE_ACCEPTS = 1e-5
"""How often somebody else's face may reach the threshold, by the normal distribution that the
cosines of two people have on the tune half: far out in its tail, so a guess, but a stated one."""

MARGIN_SHARE = 0.5
"""Of that distribution's standard deviation: what the best has to lead by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How the fit did on pairs it had not seen; `expected_error` is the mean distance of the told
    probabilities from what was so, in ten bins weighed by their pairs."""

    pairs: int
    accuracy: float
    accepted_same: float
    accepted_others: float
    auc: float
    same_at_1_percent: float
    expected_error: float


def tried(found: Sequence[tuple[float, bool]], logistic: Logistic, threshold: float) -> Trial:
    """On pairs with a face on both sides."""
    cosines = np.asarray([value for value, _ in found])
    same = np.asarray([is_same for _, is_same in found])
    told = np.asarray([logistic.probability(value) for value in cosines])
    alike, others = cosines[same], cosines[~same]
    ranks = (alike[:, None] > others[None, :]).mean() + (
        alike[:, None] == others[None, :]
    ).mean() / 2
    limit = np.quantile(others, 0.99)
    # Both kinds count alike, as in the fit.
    weight = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    bins = np.minimum((told * 10).astype(int), 9)
    error = sum(abs(float((weight * (told - same))[bins == one].sum())) for one in range(10))
    return Trial(
        pairs=len(found),
        accuracy=float(((cosines >= threshold) == same).mean()),
        accepted_same=float((alike >= threshold).mean()),
        accepted_others=float((others >= threshold).mean()),
        auc=float(ranks),
        same_at_1_percent=float((alike > limit).mean()),
        expected_error=error,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.face_calibration", description=__doc__
    )
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--detector", default=AUTO)
    parser.add_argument("--embedder", default=AUTO)
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    networks = Networks(NetworkSettings(threads=1, models_folder=options.models))
    models = face_models(networks, detector=options.detector, embedder=options.embedder)
    if models.embedder is None:
        parser.error(f"there is no embedding model in {options.models}")
    pairs = read_pairs(options.folder)
    names = sorted({name for pair in pairs for name in (pair.first, pair.second)})
    seen = {
        name: look(load_picture(options.folder / name), models.detector, models.embedder)
        for name in names
    }
    tune, check = (_cosines(pairs, seen, is_for_tuning=half) for half in (True, False))
    logistic = fit([value for value, _ in tune], [is_same for _, is_same in tune])
    strangers = NormalDist.from_samples([value for value, is_same in tune if not is_same])
    threshold = strangers.inv_cdf(1 - FALSE_ACCEPTS)
    margin = strangers.stdev * MARGIN_SHARE
    console = Console()
    console.print(
        f"tune {tried(tune, logistic, threshold)}\ncheck {tried(check, logistic, threshold)}"
    )
    for kind in (True, False):
        values = [value for value, is_same in (*tune, *check) if is_same is kind]
        spread = [f"{value:.3f}" for value in np.quantile(values, (0, 0.05, 0.5, 0.95, 1))]
        console.print(f"cosines of {'one person' if kind else 'two people'}: {', '.join(spread)}")
    version = networks.entry(models.embedder.model).version
    console.print(
        f'[[model]]\nname = "{models.embedder.model}"\nmodel_version = "{version}"\n'
        f"threshold = {threshold:.3f}\nmargin = {margin:.3f}\n"
        f"slope = {logistic.slope:.3f}\nintercept = {logistic.intercept:.3f}",
        markup=False,
    )


def _cosines(
    pairs: Sequence[Pair], seen: dict[str, Found], *, is_for_tuning: bool
) -> list[tuple[float, bool]]:
    half = [pair for pair in pairs if pair.is_for_tuning is is_for_tuning]
    return [one for one in likenesses(half, seen, seen) if one[0] > -1]


if __name__ == "__main__":
    main()

"""`python -m agent models` shows, fetches and checks models."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.model_mirror import mirror_of
from tests.vision.tiny_onnx import constant_outputs

ROOT = Path(__file__).resolve().parents[2]
FILE = constant_outputs([1, 3, 8, 8], {"out": np.zeros(1)})
SHA256 = hashlib.sha256(FILE).hexdigest()


def models(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings}
    command = [sys.executable, "-m", "agent", "models", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A working directory whose models' folder names a model `mine`."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "models.toml").write_text(
        '[[model]]\nname = "mine"\ntask = "nothing"\nkind = "file"\npath = "mine.onnx"\n'
        'format = "onnx"\ninput = "3x8x8 bgr 0..255"\nlicence = "CC-BY-4.0"\naddress = ""\n'
        f'size_bytes = {len(FILE)}\nsha256 = "{SHA256}"\n'
    )
    return tmp_path


def test_list_shows_ours_and_ones_own_and_where_they_are(place: Path) -> None:
    done = models(place, "list")
    assert done.returncode == 0
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert "package rapidocr" in lines["pp-ocrv6-det-small"]
    assert "not here" in lines["yunet-2023mar"]
    assert "CC-BY-4.0" in lines["mine"]
    assert str(place / "models") in done.stdout


def test_list_is_told_to_programs_as_json(place: Path) -> None:
    (place / "models" / "mine.onnx").write_bytes(FILE)
    done = models(place, "list", "--json")
    entries = {entry["name"]: entry for entry in map(json.loads, done.stdout.splitlines())}
    assert entries["mine"]["path"] == "models/mine.onnx"
    assert entries["mine"]["sha256"] == SHA256
    assert entries["yunet-2023mar"]["path"] is None
    assert entries["yunet-2023mar"]["decoder"] == "yunet"


def test_fetch_says_licence_and_sha256_and_verify_agrees(place: Path) -> None:
    with mirror_of({"mine.onnx": FILE}) as mirror:
        done = models(place, "fetch", "mine", MODELS_BASE_URL=mirror.url)
    assert done.returncode == 0, done.stderr
    assert "CC-BY-4.0" in done.stderr
    assert SHA256 in done.stderr
    assert (place / "models" / "mine.onnx").read_bytes() == FILE
    done = models(place, "verify", "mine")
    assert done.returncode == 0
    assert "right" in done.stdout


def test_what_cannot_be_fetched_is_told_and_fails_and_the_rest_goes_on(place: Path) -> None:
    with mirror_of({"mine.onnx": FILE}) as mirror:
        done = models(
            place,
            "fetch",
            "yunet-2023mar",
            "opencv-frontalface",
            "mine",
            MODELS_BASE_URL=mirror.url,
        )
    assert done.returncode == 1
    assert "is not there (404)" in done.stderr
    assert "comes with the package cv2" in done.stderr
    assert (place / "models" / "mine.onnx").exists()


def test_damaged_file_fails_the_check(place: Path) -> None:
    (place / "models" / "mine.onnx").write_bytes(FILE[:-1])
    done = models(place, "verify")
    assert done.returncode == 1
    assert "WRONG" in done.stdout
    assert "delete it and fetch it again" in done.stderr


def test_model_that_is_asked_about_and_not_here_fails_the_check(place: Path) -> None:
    assert models(place, "verify").returncode == 0
    done = models(place, "verify", "mine")
    assert done.returncode == 1
    assert "models fetch mine" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["fetch"], 2, "name the models"),
        (["fetch", "no-such"], 1, "no model is named 'no-such'"),
        (["verify", "no-such"], 1, "no model is named 'no-such'"),
    ],
)
def test_wrong_call_says_what_to_write(
    place: Path, arguments: list[str], code: int, said: str
) -> None:
    done = models(place, *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr

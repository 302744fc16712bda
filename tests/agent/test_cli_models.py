"""`python -m agent models` shows, fetches and checks models."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.cli import main
from tests.end_to_end.test_faces import FACE, MARKS, SIDE, write_models
from tests.fakes.model_mirror import mirror_of
from tests.vision.own_models import entry, write_manifest
from tests.vision.tiny_onnx import constant_outputs

FILE = constant_outputs([1, 3, 8, 8], {"out": np.zeros(1)})
SHA256 = hashlib.sha256(FILE).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a call of the program ended."""

    code: object
    stdout: str
    stderr: str


Call = Callable[..., Done]


@pytest.fixture
def call(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """`call("models", "list", KEY="value")` is the program in the folder `place`."""
    monkeypatch.chdir(place)

    def run(*arguments: str, **settings: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["agent", *arguments])
        for key, value in settings.items():
            monkeypatch.setenv(key, value)
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return Done(code=ended.value.code or 0, stdout=told.out, stderr=told.err)

    return run


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A working directory whose models' folder names a model `mine`."""
    write_manifest(
        tmp_path / "models", entry("mine", FILE, pixels="3x8x8 bgr 0..255", licence="CC-BY-4.0")
    )
    return tmp_path


def test_list_shows_ours_and_ones_own_and_where_they_are(place: Path, call: Call) -> None:
    done = call("models", "list")
    assert done.code == 0
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert "package rapidocr" in lines["pp-ocrv6-det-small"]
    assert "not here" in lines["yunet-2023mar"]
    assert "CC-BY-4.0" in lines["mine"]
    assert str(place / "models") in done.stdout


def test_list_is_told_to_programs_as_json(place: Path, call: Call) -> None:
    (place / "models" / "mine.onnx").write_bytes(FILE)
    done = call("models", "list", "--json")
    entries = {entry["name"]: entry for entry in map(json.loads, done.stdout.splitlines())}
    assert entries["mine"]["path"] == "models/mine.onnx"
    assert entries["mine"]["sha256"] == SHA256
    assert entries["yunet-2023mar"]["path"] is None
    assert entries["yunet-2023mar"]["decoder"] == "yunet"


def test_fetch_says_licence_and_sha256_and_verify_agrees(place: Path, call: Call) -> None:
    with mirror_of({"mine.onnx": FILE}) as mirror:
        done = call("models", "fetch", "mine", MODELS_BASE_URL=mirror.url)
    assert done.code == 0, done.stderr
    assert "CC-BY-4.0" in done.stderr
    assert SHA256 in done.stderr
    assert (place / "models" / "mine.onnx").read_bytes() == FILE
    done = call("models", "verify", "mine")
    assert done.code == 0
    assert "right" in done.stdout


def test_what_cannot_be_fetched_is_told_and_the_rest_goes_on(place: Path, call: Call) -> None:
    with mirror_of({"mine.onnx": FILE}) as mirror:
        done = call(
            "models",
            "fetch",
            "yunet-2023mar",
            "opencv-frontalface",
            "mine",
            MODELS_BASE_URL=mirror.url,
        )
    assert done.code == 1
    assert "is not there (404)" in done.stderr
    assert "comes with the package cv2" in done.stderr
    assert (place / "models" / "mine.onnx").exists()


def test_damaged_file_fails_the_check(place: Path, call: Call) -> None:
    (place / "models" / "mine.onnx").write_bytes(FILE[:-1])
    done = call("models", "verify")
    assert done.code == 1
    assert "WRONG" in done.stdout
    assert "delete it and fetch it again" in done.stderr


def test_model_that_is_asked_about_and_not_here_fails_the_check(place: Path, call: Call) -> None:
    assert call("models", "verify").code == 0
    done = call("models", "verify", "mine")
    assert done.code == 1
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
    call: Call, arguments: list[str], code: int, said: str
) -> None:
    done = call("models", *arguments)
    assert done.code == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_reading_uses_the_face_model_that_is_here(place: Path, call: Call) -> None:
    write_models(place / "fetched")
    cv2.imwrite(str(place / "a.png"), np.full((SIDE, SIDE, 3), 90, np.uint8))
    done = call("read", "--json", "a.png", AGENT_MODELS_DIR="fetched")
    assert done.code == 0
    (face,) = json.loads(done.stdout)["faces"]
    assert face["box"] == [round(value) for value in FACE]
    assert np.array(face["landmarks"]) == pytest.approx(np.array(MARKS), abs=0.1)

"""The model benchmark measures in a process of its own and tells what does not run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.models import main
from tests.end_to_end.test_faces import write_models


@pytest.mark.parametrize("backend", ["onnx", "opencv"])
def test_one_model_is_measured(
    backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_models(tmp_path / "models")
    folder = str(tmp_path / "models")
    main(["--models", folder, "--only", "tells", "--backend", backend, "--runs", "3"])
    found = json.loads(capsys.readouterr().out)
    assert (found["model"], found["backend"], found["failure"]) == ("tells", backend, "")
    assert found["input_shape"] == [1, 3, 112, 112]
    assert 0 < found["p50_ms"] <= found["p95_ms"]


def test_model_that_does_not_run_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_models(tmp_path / "models")
    (tmp_path / "models" / "tells.onnx").write_bytes(b"damaged")
    main(["--models", str(tmp_path / "models"), "--only", "tells"])
    assert "sha256" in json.loads(capsys.readouterr().out)["failure"]

"""`agent read` prints one line for each picture, and goes on after bad ones."""

from __future__ import annotations

import io
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import cv2
import pytest

from agent.read import (
    EXIT_READ,
    EXIT_SOME_FAILED,
    json_line,
    plate_words,
    read_files,
    read_paths,
)
from tests.fakes.scripted_reader import ScriptedPlate, ScriptedPlateReader, reading
from tests.vision.plates.rendered import scene
from vision.faces.cascade import CascadeFaceDetector
from vision.geometry import Box
from vision.plates.reader import EmbeddedPlateReader
from vision.reading import FaceDetection, Picture


def read_all(
    paths: list[Path], regions: tuple[str, ...] = ("eu",), *, as_json: bool, out: TextIO
) -> int:
    return read_paths(
        paths,
        plate_reader=EmbeddedPlateReader(regions=regions),
        face_detector=CascadeFaceDetector(),
        as_json=as_json,
        out=out,
    )


def read_json(*paths: Path, regions: tuple[str, ...] = ("eu",)) -> tuple[int, list[dict[str, Any]]]:
    out = io.StringIO()
    code = read_all(list(paths), regions, as_json=True, out=out)
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, one below, among files that are none."""
    folder = tmp_path / "pictures"
    (folder / "gate").mkdir(parents=True)
    cv2.imwrite(str(folder / "b.png"), scene(("RK 755AJ", 200, 200, 140)))
    cv2.imwrite(str(folder / "gate" / "a.JPG"), scene())
    (folder / "truth.csv").write_text("file,plate\n")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


def test_one_line_for_each_picture_in_the_promised_form(folder: Path) -> None:
    code, lines = read_json(folder)
    assert code == EXIT_READ
    assert [line["file"] for line in lines] == [
        str(folder / "b.png"),
        str(folder / "gate" / "a.JPG"),
    ]
    plate_line, empty_line = lines
    assert list(plate_line) == ["file", "plates", "faces", "ms"]
    (plate,) = plate_line["plates"]
    assert list(plate)[:3] == ["text", "confidence", "box"]
    assert (plate["region"], plate["region_certainty"]) == ("eu", 1.0)
    assert (plate["partial"], plate["province"]) == (False, None)
    assert plate["text"] == "RK755AJ"
    assert 0.5 < plate["confidence"] <= 1
    x, y, width, height = plate["box"]
    assert 190 < x < 230
    assert 190 < y < 210
    assert 80 < width < 150
    assert 15 < height < 45
    assert plate_line["ms"] > 0
    assert empty_line["plates"] == []
    assert empty_line["faces"] == []


def test_bad_files_get_a_line_and_the_run_goes_on(folder: Path) -> None:
    (folder / "a.jpg").write_bytes(b"\xff\xd8\xff no picture")
    code, lines = read_json(folder)
    assert code == EXIT_SOME_FAILED
    assert "a.jpg" in lines[0]["error"]
    assert list(lines[0]) == ["file", "error", "plates", "faces", "ms"]
    assert (lines[0]["plates"], lines[0]["faces"], lines[0]["ms"]) == ([], [], 0)
    assert [plate["text"] for plate in lines[1]["plates"]] == ["RK755AJ"]
    assert len(lines) == 3


def test_named_files_must_be_pictures_or_clips(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    code, lines = read_json(folder / "truth.csv", tmp_path / "gone.jpg", empty)
    assert code == EXIT_SOME_FAILED
    assert "known format" in lines[0]["error"]
    assert "no such file" in lines[1]["error"]
    assert "no picture or clip" in lines[2]["error"]


def test_what_is_no_regular_file_is_refused_without_opening_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    code, lines = read_json(pipe, Path(os.devnull))
    assert code == EXIT_SOME_FAILED
    assert all("not a regular file" in line["error"] for line in lines)
    assert len(lines) == 2


@pytest.mark.parametrize("as_json", [True, False])
def test_names_that_are_no_utf8_are_printed_on_a_terminal_that_knows_ascii(
    tmp_path: Path, as_json: bool
) -> None:
    folder = tmp_path / "ถนน"
    folder.mkdir()
    cv2.imwrite(str(tmp_path / "a.png"), scene())
    (tmp_path / "a.png").rename(folder / os.fsdecode(b"caf\xe9.png"))
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    assert read_all([folder], as_json=as_json, out=out) == EXIT_READ
    (line,) = raw.getvalue().decode("ascii").splitlines()
    if as_json:
        assert json.loads(line)["file"] == str(folder / "caf\ufffd.png")
    else:
        assert line.startswith("caf\\udce9.png")


def test_faces_come_with_their_box_and_landmarks(tmp_path: Path) -> None:
    class OneFace:
        model = "scripted-face-1"

        def detect(self, picture: Picture) -> tuple[FaceDetection, ...]:
            marks = ((12.04, 22.0), (28.0, 22.0), (20.0, 30.0), (14.0, 38.0), (26.0, 38.06))
            box = Box.from_xywh(10, 15, 20, 30)
            return (FaceDetection(box=box, confidence=0.87654, landmarks=marks),)

    picture = tmp_path / "a.png"
    cv2.imwrite(str(picture), scene())
    (found,) = read_files([picture], ScriptedPlateReader({}), OneFace())
    (face,) = json.loads(json_line(found))["faces"]
    assert face == {
        "confidence": 0.8765,
        "box": [10, 15, 20, 30],
        "landmarks": [[12.0, 22.0], [28.0, 22.0], [20.0, 30.0], [14.0, 38.0], [26.0, 38.1]],
    }


def test_clips_are_sampled_twice_a_second(tmp_path: Path) -> None:
    clip = tmp_path / "clip.avi"
    picture = scene(("RK 755AJ", 120, 120, 140), size=(416, 320))
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 10, (416, 320))
    for _ in range(8):
        writer.write(picture)
    writer.release()
    code, lines = read_json(clip)
    assert code == EXIT_READ
    assert [line["at_s"] for line in lines] == [0.0, 0.5]
    assert all([plate["text"] for plate in line["plates"]] == ["RK755AJ"] for line in lines)


def test_people_get_aligned_lines(folder: Path) -> None:
    (folder / "zz.jpg").write_bytes(b"no picture")
    out = io.StringIO()
    code = read_all([folder], as_json=False, out=out)
    assert code == EXIT_SOME_FAILED
    first, second, third = out.getvalue().splitlines()
    assert first.startswith("b.png")
    assert re.search(r"RK755AJ \d+%", first)
    assert "no plate" in second
    assert "0 faces" in second
    assert first.index("RK755AJ") == second.index("no plate") == third.index("ERROR")


def test_people_see_region_province_and_what_is_missing() -> None:
    box = Box.from_xywh(10, 10, 80, 20)
    latin = reading(ScriptedPlate(text="ABC1234", box=box, confidence=0.93))
    thai = reading(ScriptedPlate(text="1กก1234", box=box, confidence=0.9))
    digits = reading(ScriptedPlate(text="1234", box=box, confidence=0.99))
    plates = (
        replace(latin, region="us", region_certainty=0.62),
        replace(thai, region="th", region_certainty=1.0, province="เชียงใหม่"),
        replace(digits, region="th", is_partial=True),
        replace(latin, region=None, region_certainty=0.5),
    )
    assert [plate_words(plate) for plate in plates] == [
        "ABC1234 93% us (62%)",
        "1กก 1234 เชียงใหม่ 90% th",
        ".1234 99% th",
        "ABC1234 93%",
    ]

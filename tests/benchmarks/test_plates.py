"""The figures that the plate benchmark prints are the right ones."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.plate_boards import (
    BOARDS,
    STACKED,
    STYLES,
    Board,
    boards,
    drawn_board,
    false_boards,
    stacked_boards,
)
from benchmarks.plate_peer import plain
from benchmarks.plate_photographs import photographs
from benchmarks.plate_reliability import Shown, degraded, drawn_plates, parts, reliability
from benchmarks.plate_scores import (
    Outcome,
    is_for_tuning,
    rate,
    summaries,
    summary,
    times,
)
from benchmarks.plate_sheet import write_sheet
from benchmarks.plates import main
from tests.fakes.scripted_reader import ScriptedPlate, ScriptedPlateReader, reading
from tests.vision.plates.rendered import scene
from vision.geometry import Box
from vision.plates.reader import EmbeddedPlateReader
from vision.reading import Picture, PlateReadings


def test_wilson_interval_as_published() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3: 81 of 263 and 0 of 20.
    found = rate(81, 263)
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (rate(0, 20).low, rate(0, 20).high) == pytest.approx((0.0, 0.1611), abs=5e-5)


@given(st.integers(0, 500), st.integers(1, 500))
def test_interval_holds_the_share(hits: int, of: int) -> None:
    found = rate(min(hits, of), of)
    assert 0 <= found.low <= found.share <= found.high <= 1


def outcome(truth: str, *answers: str) -> Outcome:
    return Outcome(file=f"{truth}.jpg", truth=truth, answers=answers, ms=10.0)


def test_summary_counts_each_kind_of_answer() -> None:
    found = summary(
        "x",
        [
            outcome("RK755AJ", "RK755AJ"),
            outcome("RKO99AN", "RK099AN"),
            outcome("WA56660"),
            outcome("BA738DE", "XX000XX", "BA738DE"),
        ],
    )
    assert found.exact.hits == 2
    assert found.exact_but_zero.hits == 3
    assert found.answered.hits == 3
    assert found.right_when_answered.share == pytest.approx(2 / 3)
    assert found.false_answers == 1
    assert found.right_but_zero.share == 1.0
    assert found.ms.mean == 10.0


def test_boards_with_a_plate_are_counted_and_named() -> None:
    class Reader(ScriptedPlateReader):
        def read(self, picture: Picture, *, within: Box | None = None) -> PlateReadings:
            self.looks.append((len(self.looks), within))
            box = Box.from_xywh(380, 320, 100, 50)
            plate = reading(ScriptedPlate(text="ABC123", box=box))
            return PlateReadings(plates=(plate,) if len(self.looks) == 2 else ())

    shown = boards()
    assert false_boards(Reader({}), shown[:3]) == {shown[1]: ("ABC123",)}
    assert len(shown) == len(set(shown)) == 2 * len(BOARDS)
    assert {board.style for board in shown} == set(STYLES)


def test_boards_in_two_lines_have_both_of_their_words() -> None:
    shown = stacked_boards()
    assert {board.style for board in shown} == set(STACKED)
    whole = Box(x1=0, y1=0, x2=640, y2=360)
    found = EmbeddedPlateReader().read(
        drawn_board(Board(text="EXIT ONLY", style="stacked sign")), within=whole
    )
    assert {one.raw_text for one in found.refused} == {"EXIT", "ONLY"}


@pytest.mark.parametrize(("style", "is_refused"), [("sign", False), ("painted side", True)])
def test_a_drawn_board_can_be_read(style: str, is_refused: bool) -> None:
    whole = Box(x1=0, y1=0, x2=640, y2=360)
    board = drawn_board(Board(text="ABC 123", style=style))
    found = EmbeddedPlateReader().read(board, within=whole)
    seen = [(one.raw_text, one.reason) for one in found.refused]
    assert "ABC 123" in [text for text, _ in seen] + [one.raw_text for one in found.plates]
    if is_refused:
        assert seen == [("ABC 123", "surroundings")]


def test_halves_are_about_equal_and_stable() -> None:
    names = [f"test_{number:03}.jpg" for number in range(400)]
    tuned = sum(is_for_tuning(name) for name in names)
    assert 160 < tuned < 240
    assert is_for_tuning("eu1.jpg") is is_for_tuning("eu1.jpg")


def test_the_half_that_was_not_tuned_on_comes_first() -> None:
    names = [f"test_{number:03}.jpg" for number in range(40)]
    outcomes = [Outcome(file=name, truth="AB", answers=("AB",)) for name in names]
    check, tune, both = summaries("eu", outcomes)
    assert (check.name, tune.name, both.name) == ("eu check", "eu tune", "eu all")
    assert check.exact.of == sum(not is_for_tuning(name) for name in names)
    assert check.exact.of + tune.exact.of == both.exact.of == 40


def test_times_by_stage() -> None:
    outcomes = [
        Outcome(file="a", truth="AB", answers=(), ms=ms, stage_ms={"detect": ms / 2})
        for ms in (10.0, 20.0, 90.0)
    ]
    assert summary("x", outcomes).stages["detect"] == times([5.0, 10.0, 45.0])
    assert times([]) == times([0.0])


def test_answers_are_sorted_by_what_they_say_of_themselves() -> None:
    outcomes = [
        Outcome(file="a", truth="AB0", answers=("ABO", "XX"), confidences=(0.97, 0.3)),
        Outcome(file="b", truth="AB1", answers=("AB1",), confidences=(1.0,)),
        Outcome(file="c", truth="AB2", answers=("AB3",), confidences=(0.96,)),
        Outcome(file="d", truth="AB4", answers=()),
    ]
    rows = {row.low: row for row in reliability(outcomes)}
    assert (rows[0.0].right.hits, rows[0.0].right.of) == (0, 1)
    assert (rows[0.95].right.hits, rows[0.95].right.of) == (1, 2)
    assert rows[0.95].said == pytest.approx(0.965)
    assert rows[0.98].right.hits == 1
    assert len(rows) == 3


def test_an_answer_on_a_board_counts_as_wrong_among_photographs_and_not_among_plates() -> None:
    read = Outcome(file="a", truth="AB1", answers=("AB1",), confidences=(0.92,))
    board = Outcome(file="b", truth="", answers=("UPS4711",), confidences=(0.94,))
    tables = parts(
        [
            Shown("photographs", True, read),
            Shown("drawn", False, read),
            Shown("boards", True, board),
        ]
    )
    (among,) = reliability(tables["photographs, copies and boards"])
    assert (among.right.hits, among.right.of) == (1, 2)
    assert tables["plates"] == [read, read]
    assert tables["plates, region known"] == tables["drawn"] == [read]


def test_peers_lines_are_compared_without_signs() -> None:
    assert plain("rk-755 AJ\u0e01") == "RK755AJ"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photographs as `../shared/data/plates` has them, of which one is labelled wrongly."""
    folder = tmp_path / "eu"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), scene(("RK 755AJ", 200, 200, 140)))
    cv2.imwrite(str(folder / "b.png"), scene(("WA 56660", 300, 250, 180)))
    with (folder / "truth.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "x", "y", "w", "h", "plate"])
        rows.writerow(["a.png", 200, 200, 140, 30, "RK755AJ"])
        rows.writerow(["b.png", 300, 250, 180, 38, "WA56661"])
    return folder


def test_a_crop_is_the_plate_with_its_margin(folder: Path) -> None:
    first, _ = photographs(folder)
    assert first.crop(0).shape == (30, 140, 3)
    assert first.crop(0.5).shape == (60, 280, 3)


def test_degraded_copies_are_worse_in_their_own_way_and_the_same_each_time(folder: Path) -> None:
    first, _ = photographs(folder)
    clean = first.crop(1.5)
    worse = dict(degraded(first, np.random.default_rng(3)))
    again = dict(degraded(first, np.random.default_rng(3)))
    assert all(np.array_equal(worse[kind], again[kind]) for kind in worse)
    assert worse["darkness"].mean() < 0.4 * clean.mean()
    assert worse["downscale"].shape[1] < clean.shape[1] / 2
    sharpness = {kind: cv2.Laplacian(p, cv2.CV_64F).var() for kind, p in worse.items()}
    assert sharpness["blur"] < cv2.Laplacian(clean, cv2.CV_64F).var() / 2 < sharpness["noise"]


def test_drawn_plates_are_in_the_regions_that_can_be_asked_for() -> None:
    drawn = list(drawn_plates(8, seed=2))
    assert {region for region, _, _ in drawn} == {"eu", "us", "br"}
    assert len({text for _, text, _ in drawn}) == 8
    assert all(picture.shape == (480, 640, 3) for _, _, picture in drawn)


def test_the_sheet_has_a_tile_for_each_failure(folder: Path, tmp_path: Path) -> None:
    shown = photographs(folder)
    failures = [
        ("eu", p, Outcome(file=p.path.name, truth=p.plate, answers=("X",), confidences=(0.5,)))
        for p in shown * 3
    ]
    for name in ("sheet.png", "sheet.jpg"):
        write_sheet(tmp_path / name, failures)
        sheet = cv2.imread(str(tmp_path / name))
        assert sheet is not None
        assert sheet.shape == (2 * 246, 4 * 380, 3)


def test_the_program_prints_each_set_and_names_what_it_missed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.png"
    main([str(folder), "--regions", "eu", "--json", "--misses", "--sheet", str(sheet)])
    lines = capsys.readouterr().out.splitlines()
    sets = {one["name"]: one for one in map(json.loads, lines[:-1])}
    assert sets["eu eu all"]["exact"]["hits"] == 1
    assert sets["eu eu all"]["near"]["hits"] == 2
    assert set(sets["eu eu all"]["stages"]) >= {"detect", "read", "grammar"}
    assert lines[-1] == "eu eu: b.png is WA56661, read ['WA56660']"
    assert sheet.stat().st_size > 1000


def test_a_folder_without_truth_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path)])
    assert "no truth.csv" in capsys.readouterr().err

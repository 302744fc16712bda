"""YOLO heads are decoded from outputs that are known, raw and with overlaps suppressed."""

from __future__ import annotations

import numpy as np
import pytest

from tests.vision.tiny_onnx import constant_outputs
from vision.backends.onnx import OnnxBackend
from vision.detectors.detection import ObjectDetection
from vision.detectors.yolo import Rows, YoloDetector, hailo_rows, raw_rows, suppressed_rows
from vision.errors import ModelFailed
from vision.geometry import Box
from vision.input import parse_input

PIXELS = parse_input("3x64x64 rgb 0..1")
PICTURE = np.zeros((128, 256, 3), dtype=np.uint8)  # four times the input in width
LABELS = ("person", "car", "bus")


def detector(output: np.ndarray, rows: Rows, labels: tuple[str, ...] = LABELS) -> YoloDetector:
    file = constant_outputs([1, 3, 64, 64], {"output0": output})
    return YoloDetector(OnnxBackend("yolo", file, threads=1), PIXELS, labels, rows=rows)


def raw(*cells: tuple[float, ...]) -> np.ndarray:
    """The raw head of twenty cells, of which the first are these."""
    head = np.zeros((1, 4 + len(LABELS), 20), dtype=np.float32)
    for index, cell in enumerate(cells):
        head[0, :, index] = cell
    return head


def boxes(found: tuple[ObjectDetection, ...]) -> list[tuple[float, ...]]:
    return [(one.box.x1, one.box.y1, one.box.x2, one.box.y2) for one in found]


def test_raw_head_gives_boxes_in_the_picture_with_the_best_class() -> None:
    (car,) = detector(raw((20, 10, 8, 4, 0.1, 0.9, 0.3)), raw_rows).detect(PICTURE)
    assert (car.label, car.confidence) == ("car", pytest.approx(0.9))
    assert boxes((car,))[0] == pytest.approx((64, 32, 96, 48))


def test_overlapping_boxes_of_one_class_are_one_and_of_two_classes_two() -> None:
    head = raw(
        (20, 10, 8, 4, 0, 0.8, 0),
        (21, 10, 8, 4, 0, 0.9, 0),
        (20, 10, 8, 4, 0, 0, 0.7),
        (50, 10, 8, 4, 0, 0.6, 0),
        (50, 30, 8, 4, 0, 0.2, 0),
    )
    found = detector(head, raw_rows).detect(PICTURE)
    assert [(one.label, round(one.confidence, 2)) for one in found] == [
        ("car", 0.9),
        ("bus", 0.7),
        ("car", 0.6),
    ]


def test_head_with_suppression_in_the_graph_is_taken_as_it_is() -> None:
    head = np.zeros((1, 5, 6), dtype=np.float32)
    head[0, 0] = (16, 8, 24, 12, 0.9, 2)
    (bus,) = detector(head, suppressed_rows).detect(PICTURE)
    assert bus.label == "bus"
    assert boxes((bus,))[0] == pytest.approx((64, 32, 96, 48))


def test_hailos_own_suppression_is_in_shares_of_the_input() -> None:
    table = np.array([[0.25, 0.125, 0.375, 0.1875, 0.9, 1]], dtype=np.float32)
    (car,) = detector(table, hailo_rows).detect(PICTURE)
    assert car.label == "car"
    assert boxes((car,))[0] == pytest.approx((64, 32, 96, 48))


def test_nothing_found_is_an_empty_answer() -> None:
    assert detector(raw(), raw_rows).detect(PICTURE) == ()
    assert detector(np.zeros((1, 5, 6)), suppressed_rows).detect(PICTURE) == ()


def test_network_of_one_class_needs_no_labels() -> None:
    (plate,) = detector(raw((20, 10, 8, 4, 0.9, 0, 0)), raw_rows, ()).detect(PICTURE)
    assert plate == ObjectDetection(
        box=Box(x1=64, y1=32, x2=96, y2=48), label="", confidence=pytest.approx(0.9)
    )


def test_class_beyond_the_labels_is_a_mistake_in_the_manifest() -> None:
    with pytest.raises(ModelFailed, match="found class 2, and the manifest labels 1"):
        detector(raw((20, 10, 8, 4, 0, 0, 0.9)), raw_rows, ("plate",)).detect(PICTURE)


@pytest.mark.parametrize(
    ("rows", "shape"),
    [(raw_rows, (1, 3, 20)), (suppressed_rows, (1, 84, 20)), (hailo_rows, (1, 4))],
)
def test_other_head_is_named_with_its_shape(rows: Rows, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelFailed, match=r"model yolo: its output is \(1, .* decoder"):
        detector(np.ones(shape), rows).detect(PICTURE)


def test_network_with_more_outputs_is_refused() -> None:
    file = constant_outputs([1, 3, 64, 64], {"a": np.zeros((1, 7, 20)), "b": np.zeros(1)})
    with pytest.raises(ModelFailed, match="export it without extra outputs"):
        YoloDetector(OnnxBackend("yolo", file, threads=1), PIXELS, (), rows=raw_rows)

"""The Hailo backend keeps HailoRT's rules and turns its errors into advice (HailoRT is faked)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.hailort import FakeHailoPlatform, FakeHef, HailoRTException
from vision.backends.hailo import HailoBackend, HailoDevice, by_class, load_platform
from vision.backends.hailo_advice import advice
from vision.backends.hailo_share import HailoShare
from vision.errors import AcceleratorFailed, ModelFailed


def _boxes(frame: np.ndarray) -> dict[str, list[np.ndarray]]:
    one = np.array([[0.1, 0.2, 0.5, 0.6, 0.9]], dtype=np.float32)
    return {"nms": [np.zeros((0, 5), dtype=np.float32), one]}


def _broken(frame: np.ndarray) -> dict[str, np.ndarray]:
    raise ArithmeticError("HAILO_STREAM_ABORT(63)")


HEFS = {
    "plates.hef": FakeHef(input_shape=(4, 6, 3), output_shapes={"nms": (11,)}, infer=_boxes),
    "broken.hef": FakeHef(input_shape=(4, 6, 3), output_shapes={"raw": (1,)}, infer=_broken),
}
FRAME = np.zeros((1, 3, 4, 6), dtype=np.float32)


def loaded(device: HailoDevice, folder: Path, name: str) -> HailoBackend:
    (folder / name).touch()
    return device.load(name, folder / name)


def test_boxes_by_class_become_one_table(tmp_path: Path) -> None:
    backend = loaded(HailoDevice(FakeHailoPlatform(HEFS)), tmp_path, "plates.hef")
    (table,) = backend.run(FRAME)
    assert table == pytest.approx(np.array([[0.2, 0.1, 0.6, 0.5, 0.9, 1.0]]))


def test_no_boxes_are_an_empty_table() -> None:
    assert by_class([np.zeros((0, 5)), np.zeros((0, 5))]).shape == (0, 6)


def test_networks_share_the_one_device(tmp_path: Path) -> None:
    platform = FakeHailoPlatform(HEFS)
    device = HailoDevice(platform)
    first = loaded(device, tmp_path, "plates.hef")
    second = loaded(device, tmp_path, "plates.hef")
    assert len(first.run(FRAME)[0]) == len(second.run(FRAME)[0]) == 1
    with pytest.raises(AcceleratorFailed, match="one process owns the device"):
        HailoDevice(platform)
    first.close()
    second.close()
    device.close()
    device.close()
    HailoDevice(platform).close()


def test_closed_device_loads_nothing(tmp_path: Path) -> None:
    device = HailoDevice(FakeHailoPlatform(HEFS))
    device.close()
    with pytest.raises(AcceleratorFailed, match="was closed"):
        loaded(device, tmp_path, "plates.hef")


def test_a_network_that_fails_to_leave_gives_its_device_back_all_the_same(tmp_path: Path) -> None:
    stuck = replace(HEFS["plates.hef"], release_failure="HAILO_STREAM_ABORT(63)")
    platform = FakeHailoPlatform({"plates.hef": stuck})
    share, path = HailoShare(lambda: platform), tmp_path / "plates.hef"
    path.touch()
    for opened in (1, 2):
        network = share.load("plates", path)
        assert platform.opened == opened
        with pytest.raises(HailoRTException, match="STREAM_ABORT"):
            network.close()
        assert not platform.is_owned


def test_failure_while_running_is_told(tmp_path: Path) -> None:
    backend = loaded(HailoDevice(FakeHailoPlatform(HEFS)), tmp_path, "broken.hef")
    with pytest.raises(ModelFailed, match=r"broken\.hef.*HAILO_STREAM_ABORT"):
        backend.run(FRAME)


def test_file_that_is_no_hef_is_refused(tmp_path: Path) -> None:
    device = HailoDevice(FakeHailoPlatform(HEFS))
    with pytest.raises(ModelFailed, match=r"noise\.hef.*get it again"):
        loaded(device, tmp_path, "noise.hef")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("HAILO_INVALID_DRIVER_VERSION(76)", "must be of one version"),
        ("Driver version (5.4.0) is different from library version (5.3.0)", "of one version"),
        ("HAILO_UNSUPPORTED_FW_VERSION", "the firmware is not"),
        ("an invalid protocol version was received from device", "the firmware is not"),
        ("HAILO_DEVICE_IN_USE(73)", "another program"),
        ("HEF file is not compatible with device", "another chip"),
        ("PCIe driver failure. run 'dmesg | grep hailo'", "dmesg"),
        ("HAILO_TIMEOUT(4)", "in time"),
        ("something else", "hailortcli fw-control identify"),
    ],
)
def test_errors_of_the_library_come_with_advice(said: str, told: str) -> None:
    with pytest.raises(AcceleratorFailed, match=told) as failure:
        HailoDevice(FakeHailoPlatform({}, failure=said))
    assert said in str(failure.value)


def test_error_without_words_is_named_by_its_type() -> None:
    assert advice(TimeoutError()).startswith("TimeoutError; the device did not answer")


def test_the_fake_keeps_the_rules_of_the_library(tmp_path: Path) -> None:
    platform = FakeHailoPlatform(HEFS)
    model = platform.VDevice(platform.VDevice.create_params())
    with pytest.raises(HailoRTException, match="scheduler"):
        model.create_infer_model("plates.hef")
    platform = FakeHailoPlatform(HEFS)
    params = platform.VDevice.create_params()
    params.scheduling_algorithm = platform.HailoSchedulingAlgorithm.ROUND_ROBIN
    network = platform.VDevice(params).create_infer_model("plates.hef")
    with pytest.raises(HailoRTException, match="come first"):
        network.configure()
    network.set_batch_size(1)
    network.input().set_format_type(platform.FormatType.UINT8)
    network.output("nms").set_format_type(platform.FormatType.FLOAT32)
    configured = network.configure()
    with pytest.raises(HailoRTException, match="activates"):
        configured.activate()
    bindings = configured.create_bindings(output_buffers={"nms": np.empty(11, np.float32)})
    with pytest.raises(HailoRTException, match="contiguous"):
        bindings.input().set_buffer(np.zeros((6, 4, 3), np.uint8).transpose(1, 0, 2))
    with pytest.raises(HailoRTException, match="wait until"):
        configured.run_async([bindings], lambda info: None)
    with pytest.raises(HailoRTException, match="not waited"):
        bindings.output("nms").get_buffer()


@pytest.mark.hardware
def test_real_device_opens() -> None:
    try:
        platform = load_platform()
        device = HailoDevice(platform)
    except AcceleratorFailed as error:
        pytest.skip(f"no Hailo device: {error}")
    device.close()

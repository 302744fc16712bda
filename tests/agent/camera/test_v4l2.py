"""The controls of video devices: found with their ranges, and set in those."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.camera import v4l2
from agent.camera.controls import EVERY_CONTROL, CameraControls
from agent.camera.v4l2 import Panel, open_panel
from agent.camera.v4l2_controls import Control, Exposure, Id, offer_of, settings_for
from tests.fakes import v4l2 as fakes
from tests.fakes.v4l2 import DISABLED, MENU, READ_ONLY, USB_CAMERA, FakeControl, FakeVideoNode

HEADER = Path("/usr/include/linux/v4l2-controls.h")
DEVICE = Path("/dev/video0")


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.hardware)])
def panel(request: pytest.FixtureRequest) -> Iterator[Panel]:
    if request.param == "fake":
        panel = Panel(FakeVideoNode())
    elif DEVICE.exists():
        panel = open_panel(str(DEVICE))
    else:
        pytest.skip(f"no video device: there is no {DEVICE}")
    yield panel
    panel.close()


def _controls() -> dict[Id, Control]:
    return dict(Panel(FakeVideoNode()).controls())


def test_every_control_has_a_range_with_its_default_and_takes_what_it_has(panel: Panel) -> None:
    controls = panel.controls()
    for number, control in controls.items():
        assert control.least <= control.default <= control.most
        assert control.step >= 1
        value = panel.value(number)
        assert control.least <= value <= control.most
        assert not control.items or value in control.items
    assert offer_of(controls).fields <= EVERY_CONTROL
    for number, value in settings_for(
        CameraControls(brightness=0.0, exposure_s=0.002), CameraControls(), controls
    ):
        panel.set(number, value)
        assert panel.value(number) == value


def test_whatever_is_wished_is_a_value_that_the_device_has_in_an_order_that_it_takes() -> None:
    node = FakeVideoNode()
    panel = Panel(node)
    before = CameraControls()
    for share in (0.0, 0.13, 0.5, 0.77, 1.0):
        wanted = CameraControls(
            brightness=2 * share - 1,
            contrast=2 * share,
            saturation=2 * share,
            sharpness=4 * share,
            awb_mode=round(8 * share),
            focus=share,
            exposure_s=max(0.00005, share),
            gain=1 + 63 * share,
        )
        for nothing in (wanted, CameraControls()):
            for number, value in settings_for(nothing, before, panel.controls()):
                panel.set(number, value)  # the device refuses what is out of range or order
            before = nothing


@pytest.mark.parametrize(
    ("wanted", "settings"),
    [
        (CameraControls(brightness=-1), [(Id.BRIGHTNESS, -64)]),
        (CameraControls(contrast=1), [(Id.CONTRAST, 32)]),
        (CameraControls(contrast=1.5), [(Id.CONTRAST, 64)]),
        (CameraControls(contrast=0.5), [(Id.CONTRAST, 16)]),
        (CameraControls(sharpness=4), [(Id.SHARPNESS, 7)]),
        (
            CameraControls(exposure_s=0.002),
            [(Id.EXPOSURE_AUTO, Exposure.MANUAL), (Id.EXPOSURE_ABSOLUTE, 20)],
        ),
        (
            CameraControls(exposure_s=0.00005),
            [(Id.EXPOSURE_AUTO, Exposure.MANUAL), (Id.EXPOSURE_ABSOLUTE, 3)],
        ),
        (CameraControls(gain=64), [(Id.GAIN, 255)]),
        (CameraControls(focus=0.51), [(Id.FOCUS_AUTO, 0), (Id.FOCUS_ABSOLUTE, 130)]),
        (CameraControls(awb_mode=0), [(Id.AUTO_WHITE_BALANCE, 1)]),
        (CameraControls(awb_mode=8), [(Id.AUTO_WHITE_BALANCE, 1)]),
        (
            CameraControls(awb_mode=6),
            [(Id.AUTO_WHITE_BALANCE, 0), (Id.WHITE_BALANCE_TEMPERATURE, 6500)],
        ),
        (CameraControls(), []),
    ],
)
def test_what_is_set_in_the_devices_own_numbers(
    wanted: CameraControls, settings: list[tuple[Id, int]]
) -> None:
    assert list(settings_for(wanted, CameraControls(), _controls())) == settings


def test_what_was_set_and_is_emptied_is_left_to_the_camera_again() -> None:
    before = CameraControls(brightness=1, awb_mode=1, focus=0.5, exposure_s=0.01, gain=2)
    assert set(settings_for(CameraControls(), before, _controls())) == {
        (Id.BRIGHTNESS, 0),
        (Id.AUTO_WHITE_BALANCE, 1),
        (Id.FOCUS_AUTO, 1),
        (Id.EXPOSURE_AUTO, Exposure.APERTURE_PRIORITY),
        (Id.GAIN, 64),
    }


def test_only_what_the_device_has_and_lets_be_set_is_offered_with_its_shutter() -> None:
    assert offer_of(_controls()).fields == EVERY_CONTROL
    least_s, most_s = offer_of(_controls()).limits["exposure_s"]
    assert (least_s, most_s) == pytest.approx((0.0003, 0.2047))
    plain = {
        Id.BRIGHTNESS: USB_CAMERA[Id.BRIGHTNESS],
        Id.GAIN: FakeControl(least=0, most=9, default=1, flags=READ_ONLY),
        Id.SHARPNESS: FakeControl(least=0, most=9, default=1, flags=DISABLED),
        Id.FOCUS_AUTO: USB_CAMERA[Id.FOCUS_AUTO],
    }
    offer = offer_of(Panel(FakeVideoNode(plain)).controls())
    assert (offer.fields, offer.limits) == ({"brightness"}, {})
    assert Panel(FakeVideoNode({})).controls() == {}
    wanted = CameraControls(focus=0.5, exposure_s=0.01, gain=2)
    assert settings_for(wanted, CameraControls(), Panel(FakeVideoNode(plain)).controls()) == ()


def test_a_menu_with_gaps_and_another_manual_mode_is_used_as_it_is() -> None:
    menu = FakeControl(least=0, most=2, default=0, kind=MENU, names={0: b"Auto", 2: b"Shutter"})
    node = FakeVideoNode({**USB_CAMERA, Id.EXPOSURE_AUTO: menu})
    controls = Panel(node).controls()
    assert controls[Id.EXPOSURE_AUTO].items == {0, 2}
    shutter = CameraControls(exposure_s=0.01)
    first, _ = settings_for(shutter, CameraControls(), controls)
    assert first == (Id.EXPOSURE_AUTO, Exposure.SHUTTER_PRIORITY)
    assert settings_for(CameraControls(), shutter, controls) == ((Id.EXPOSURE_AUTO, Exposure.AUTO),)


def test_the_fake_refuses_what_a_usb_camera_refuses() -> None:
    node = FakeVideoNode()
    panel = Panel(node)
    for control, value, refusal in (
        (Id.EXPOSURE_ABSOLUTE, 20, errno.EACCES),  # it exposes by itself
        (Id.BRIGHTNESS, 65, errno.ERANGE),
        (Id.EXPOSURE_AUTO, 2, errno.EINVAL),
        (Id.AUTOGAIN, 1, errno.EINVAL),
    ):
        with pytest.raises(OSError, match=r".") as failure:
            panel.set(control, value)
        assert failure.value.errno == refusal
    node.is_unplugged = True
    with pytest.raises(OSError, match="No such device"):
        panel.controls()


def test_requests_and_numbers_are_the_kernels() -> None:
    ours = (v4l2.GET, v4l2.SET, v4l2.QUERY, v4l2.QUERY_MENU)
    assert ours == (fakes.GET, fakes.SET, fakes.QUERY, fakes.QUERY_MENU)
    if not HEADER.exists():
        pytest.skip(f"there is no {HEADER} (Debian: linux-libc-dev)")
    header = HEADER.read_text("utf-8")
    for base, name in ((0x00980900, "BASE"), (0x009A0900, "CAMERA_CLASS_BASE")):
        found = dict(
            re.findall(rf"#define V4L2_CID_(\w+)\s+\(V4L2_CID_{name} ?\+ ?(\d+)\)", header)
        )
        for one in Id:
            if one.name in found:
                assert one == base + int(found[one.name])
        assert {one.name for one in Id if one & ~0xFF == base} <= set(found)
    for mode in Exposure:
        assert re.search(rf"V4L2_EXPOSURE_{mode.name} = {mode.value}\b", header)

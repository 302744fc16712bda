"""HailoRT's errors turned into what a person should do. Pure."""

from __future__ import annotations

_SAME_VERSION = (
    "sudo apt update && sudo apt full-upgrade, then restart: library, kernel driver and firmware "
    "must be of one version"
)

_ADVICE = (
    ("INVALID_DRIVER_VERSION", f"the kernel driver is not the library's: {_SAME_VERSION}"),
    ("DRIVER_INVALID_IOCTL", f"the kernel driver is not the library's: {_SAME_VERSION}"),
    ("DRIVER_INVALID_RESPONSE", f"the kernel driver is not the library's: {_SAME_VERSION}"),
    ("is different from library version", f"driver and library disagree: {_SAME_VERSION}"),
    ("INVALID_FIRMWARE", f"the firmware is not the library's: {_SAME_VERSION}"),
    ("UNSUPPORTED_FW", f"the firmware is not the library's: {_SAME_VERSION}"),
    ("protocol version", f"the firmware is not the library's: {_SAME_VERSION}"),
    ("INVALID_SERVICE_VERSION", f"hailort.service is of another version: {_SAME_VERSION}"),
    (
        "OUT_OF_PHYSICAL_DEVICES",
        "no free device: 'hailortcli scan' shows whether it is seen; one process owns the device",
    ),
    ("DEVICE_IN_USE", "another program holds the device: stop it (one process owns the device)"),
    (
        "NOT_COMPATIBLE",
        "the file was compiled for another chip: a name in _h8 is for a Hailo-8, in _h8l for an 8L",
    ),
    ("INVALID_HEF", "the file is no HEF of this HailoRT version, or is damaged: get it again"),
    (
        "DRIVER_FAIL",
        "the kernel driver does not answer: 'sudo dmesg | grep -i hailo' says why",
    ),
    ("driver failure", "the kernel driver does not answer: 'sudo dmesg | grep -i hailo' says why"),
    ("TIMEOUT", "the device did not answer in time: restart it; is its power supply sufficient?"),
)
"""A mark in the error's text or type (hailort.h, `hailo_status`) and the sentence for it."""


def advice(error: BaseException) -> str:
    """The error's own words and, where it is a known one, what to do."""
    said = str(error) or type(error).__name__
    searched = _squeezed(f"{type(error).__name__} {said}")
    for mark, sentence in _ADVICE:
        if _squeezed(mark) in searched:
            return f"{said}; {sentence}"
    return f"{said}; 'hailortcli fw-control identify' shows the state of the device"


def _squeezed(text: str) -> str:
    """HAILO_DEVICE_IN_USE, DeviceInUse and "device in use" alike."""
    return text.replace("_", "").replace(" ", "").lower()

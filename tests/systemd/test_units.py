"""The unit files: systemd finds nothing wrong with them, and they are as closed as they claim."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).resolve().parents[2] / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
LASTING = [unit for unit in SERVICES if "Type=oneshot" not in unit.read_text("utf-8")]
EXPOSURE_LIMIT = 4.0

needs_systemd = [
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("systemd-analyze") is None, reason="needs the Debian package systemd"
    ),
]


def names(units: list[Path]) -> list[str]:
    return [unit.name for unit in units]


def values(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text("utf-8"), re.MULTILINE)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=60
    )


class TestSystemd:
    """What systemd itself says of them."""

    pytestmark = needs_systemd

    def test_verify_finds_nothing(self, tmp_path: Path) -> None:
        assert len(SERVICES) == 4
        system = tmp_path / "etc" / "systemd" / "system"
        shutil.copytree(UNITS, system)
        targets = Path("/usr/lib/systemd/system")
        shutil.copytree(targets, tmp_path / "usr/lib/systemd/system", symlinks=True)
        python = tmp_path / "opt/sightpost/current/.venv/bin/python"
        python.parent.mkdir(parents=True)
        python.write_text("#!/bin/sh\n")
        python.chmod(0o755)
        checked = analyze("verify", f"--root={tmp_path}", *names([*UNITS.iterdir()]))
        assert (checked.returncode, checked.stderr) == (0, "")

    def test_verify_would_find_a_mistyped_key(self, tmp_path: Path) -> None:
        unit = tmp_path / "wrong.service"
        unit.write_text("[Service]\nExecStart=/bin/true\nWatchDogSecs=60\n")
        assert "WatchDogSecs" in analyze("verify", str(unit)).stderr

    @pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
    def test_exposure_is_low(self, unit: Path) -> None:
        said = analyze("security", "--offline=true", str(unit)).stdout
        level = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
        assert level, said
        assert float(level[1]) < EXPOSURE_LIMIT


@pytest.mark.parametrize("unit", LASTING, ids=lambda unit: unit.name)
def test_service_is_watched_limited_and_always_restarted(unit: Path) -> None:
    assert values(unit, "Type") == ["notify"]
    assert values(unit, "Restart") == ["always"]
    assert values(unit, "StartLimitIntervalSec") == ["0"]
    for key in ("WatchdogSec", "MemoryMax", "CPUQuota", "TasksMax"):
        assert values(unit, key), key


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_only_the_data_folder_can_be_written(unit: Path) -> None:
    assert values(unit, "ProtectSystem") == ["strict"]
    assert values(unit, "StateDirectory") == ["sightpost"]
    assert values(unit, "ReadWritePaths") == []
    assert values(unit, "UMask") == ["0027"]


def test_agent_can_reach_cameras_and_accelerators() -> None:
    agent = UNITS / "sightpost-agent.service"
    for key in ("PrivateDevices", "DeviceAllow", "DevicePolicy", "ProtectClock", "PrivateUsers"):
        assert values(agent, key) == [], key

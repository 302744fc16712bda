"""What models may take of a device, by the settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vision.errors import ModelFailed
from vision.pool.memory import (
    PoolSettings,
    budgets_for,
    bytes_on_card,
    cpu_capacity,
    gpu_capacity,
    gpu_memory_bytes,
    machine_memory_bytes,
)

GIGABYTE = 1_000_000_000


def test_share_of_the_machine_and_networks_of_a_hailo() -> None:
    budgets = {b.device: b for b in budgets_for(["cpu"], PoolSettings(memory_share=0.5))}
    assert budgets["cpu"].capacity == machine_memory_bytes() // 2
    assert budgets["hailo"].capacity == 8
    assert cpu_capacity(8 * GIGABYTE, PoolSettings()) == 6_400_000_000


def test_a_card_keeps_its_reserve() -> None:
    assert gpu_capacity(24 * GIGABYTE, PoolSettings()) == 19_200_000_000
    assert gpu_capacity(2 * GIGABYTE, PoolSettings()) == 976_000_000
    assert gpu_capacity(GIGABYTE // 2, PoolSettings()) == 0


def test_every_session_on_a_card_takes_more_than_the_network() -> None:
    assert bytes_on_card(60_000_000, sessions=1) == 310_000_000
    assert bytes_on_card(60_000_000, sessions=4) == 1_240_000_000


def test_card_without_driver_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelFailed, match="nvidia-smi is not installed"):
        gpu_memory_bytes()


@pytest.mark.parametrize(
    ("script", "found"), [("echo 8192", 8192 * 1024 * 1024), ("echo no devices; exit 9", None)]
)
def test_card_tells_its_memory_through_its_driver(
    script: str, found: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.defpath}")
    if found is None:
        with pytest.raises(ModelFailed, match="mend the card's driver"):
            gpu_memory_bytes()
    else:
        assert gpu_memory_bytes() == found

"""Models, plate reader and accelerator: the checks, and the looks behind them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from agent.health.accelerator import hef_version, look_at_accelerator
from agent.health.models import look_at_models, try_reader
from agent.health.recognising import (
    AcceleratorFacts,
    ModelFacts,
    ReaderFacts,
    check_accelerator,
    check_models,
    check_reader,
)
from agent.health.result import Status
from vision.errors import ModelFailed
from vision.geometry import Box
from vision.pool.budget import Allocation, Budget, Priority, usage_of
from vision.reading import Picture, PlateReadings


def test_a_model_that_is_needed_fails_and_one_that_is_not_warns() -> None:
    fine = ModelFacts(name="a", is_needed=True, run_ms=12.0)
    broken = ModelFacts(name="b", is_needed=True, fault="damaged: fetch it again")
    extra = ModelFacts(name="c", is_needed=False, fault="damaged: fetch it again")
    assert check_models([fine]).message == "a 12 ms in order"
    assert check_models([fine, extra]).status is Status.WARN
    result = check_models([fine, broken, extra])
    assert result.status is Status.FAIL
    assert "b: damaged" in result.message


@pytest.mark.parametrize(
    ("used", "expected"), [(0, Status.PASS), (89, Status.PASS), (90, Status.WARN)]
)
def test_models_that_fill_their_memory_are_a_warning(used: int, expected: Status) -> None:
    budget = Budget(device="cpu", capacity=100_000_000)
    held = Allocation(
        name="a", device="cpu", size=used * 1_000_000, priority=Priority.HIGH, last_used_s=0
    )
    result = check_models([], [usage_of(budget, [held])])
    assert result.status is expected
    assert (f"{used} MB of 100 MB on cpu" in result.message) is bool(used)


def test_every_model_of_the_packages_loads_and_runs() -> None:
    models = look_at_models(models_folder=None, threads=1)
    assert {"pp-ocrv6-det-small", "pp-ocrv6-rec-small"} <= {model.name for model in models}
    assert [model.fault for model in models] == [None] * len(models)
    assert all(model.run_ms is not None and model.run_ms > 0 for model in models)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (ReaderFacts(model="m"), Status.PASS),
        (ReaderFacts(model="m", expected="AB12", read="AB12", look_ms=90), Status.PASS),
        (ReaderFacts(model="m", expected="AB12", read=None, look_ms=90), Status.FAIL),
        (ReaderFacts(model="m", looks=9, look_ms=5000), Status.WARN),
        (ReaderFacts(fault="no model: install"), Status.FAIL),
    ],
)
def test_reader_has_to_read_rightly_and_in_time(facts: ReaderFacts, expected: Status) -> None:
    assert check_reader(facts).status is expected


class BrokenReader:
    """A reader whose model breaks."""

    model = "broken"

    def read(self, picture: Picture, *, within: Box | None = None) -> PlateReadings:
        raise ModelFailed("it gave no answer: fetch it again")


def test_a_reader_that_breaks_in_the_trial_is_a_fault(blank: Picture) -> None:
    assert check_reader(try_reader(BrokenReader(), blank, expected="A1")).status is Status.FAIL


@pytest.mark.parametrize(
    ("facts", "expected", "said"),
    [
        (AcceleratorFacts(), Status.PASS, "the CPU is used"),
        (AcceleratorFacts(library_version="4.20.0"), Status.WARN, "no device answers"),
        (AcceleratorFacts(device="/dev/hailo0", driver_version="4.20.0"), Status.WARN, "no Hailo"),
        (
            AcceleratorFacts(
                device="/dev/hailo0", driver_version="4.19.0", library_version="4.20.0"
            ),
            Status.FAIL,
            "driver 4.19.0, library 4.20.0",
        ),
        (
            AcceleratorFacts(
                device="/dev/hailo0",
                driver_version="4.20.0",
                library_version="4.20.0",
                containers=(("a.hef", 2),),
            ),
            Status.PASS,
            "a.hef format 2",
        ),
        (
            AcceleratorFacts(
                device="/dev/hailo0", library_version="4.20.0", containers=(("a.hef", None),)
            ),
            Status.FAIL,
            "no HEF file",
        ),
        (
            AcceleratorFacts(
                device="/dev/hailo0", library_version="4.18.0", containers=(("a.hef", 2),)
            ),
            Status.FAIL,
            "a.hef is too new for this library",
        ),
        (
            AcceleratorFacts(
                device="/dev/hailo0", library_version="4.23.0", containers=(("a.hef", 4),)
            ),
            Status.FAIL,
            "a.hef is too new for this library",
        ),
        (
            AcceleratorFacts(
                device="/dev/hailo0", library_version="4.24.0", containers=(("a.hef", 4),)
            ),
            Status.PASS,
            "a.hef format 4",
        ),
    ],
)
def test_accelerator(facts: AcceleratorFacts, expected: Status, said: str) -> None:
    result = check_accelerator(facts)
    assert result.status is expected
    assert said in result.message


def test_device_and_driver_are_found_without_any_library(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/hailo0").touch()
    (tmp_path / "sys/module/hailo_pci").mkdir(parents=True)
    (tmp_path / "sys/module/hailo_pci/version").write_text("4.20.0\n", "ascii")
    models = tmp_path / "models"
    models.mkdir()
    (models / "plates.hef").write_bytes(struct.pack(">III", 0x01484546, 2, 99))
    facts = look_at_accelerator(tmp_path, models_folder=models)
    assert (facts.device, facts.driver_version) == ("/dev/hailo0", "4.20.0")
    assert facts.containers == (("plates.hef", 2),)


def test_what_is_no_hef_file_has_no_version(tmp_path: Path) -> None:
    path = tmp_path / "x.hef"
    path.write_bytes(b"PK\x03\x04 not this")
    assert hef_version(path) is None
    assert hef_version(tmp_path / "missing.hef") is None

"""Execution providers are chosen by name, in order, with the processor as the last resort."""

from __future__ import annotations

import onnxruntime
import pytest

from tests.vision.graphics_card import needs_card
from vision.backends.proof import fault_of
from vision.backends.providers import choose_providers, proven, short_name
from vision.errors import ModelFailed

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


def test_wanted_ones_come_first_and_the_processor_last() -> None:
    choice = choose_providers(["cuda", "cpu"], [CPU, CUDA])
    assert choice.library_names == (CUDA, CPU)
    assert choice.missing == ()


def test_what_the_library_lacks_is_named_and_the_processor_serves() -> None:
    choice = choose_providers(["cuda"], [CPU])
    assert choice.library_names == (CPU,)
    assert choice.missing == ("cuda",)


def test_name_that_nobody_knows_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelFailed, match=r"qpu; there are cpu, cuda"):
        choose_providers(["qpu"], [CPU])


def test_library_names_have_short_ones() -> None:
    assert short_name(CUDA) == "cuda"
    assert short_name("AzureExecutionProvider") == "AzureExecutionProvider"


def test_what_runs_nothing_is_left_out_and_told_with_its_reason() -> None:
    choice = choose_providers(["tensorrt", "cuda"], [CPU, CUDA, "TensorrtExecutionProvider"])
    kept = proven(choice, lambda name: "" if name == CUDA else "no libnvinfer.so.10")
    assert kept.library_names == (CUDA, CPU)
    (notice,) = kept.notices
    assert "tensorrt cannot be used here (no libnvinfer.so.10)" in notice
    assert notice.endswith("models run on cuda")


def test_the_processor_needs_no_proof() -> None:
    choice = choose_providers(["cpu"], [CPU])
    assert proven(choice, lambda name: "never asked") == choice


def test_proof_is_a_network_that_ran() -> None:
    assert fault_of(CPU) == ""
    if CUDA not in onnxruntime.get_available_providers():
        assert fault_of(CUDA)


@pytest.mark.hardware
@needs_card
def test_card_that_its_driver_lists_runs_a_network() -> None:
    assert fault_of(CUDA) == ""

"""Execution providers are chosen by name, in order, with the processor as the last resort."""

from __future__ import annotations

import pytest

from vision.backends.providers import choose_providers, short_name
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

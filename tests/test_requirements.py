"""The lists of requirements name what the code imports, and the pinned files belong to them."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.source_rules import Module, imports, read_modules

ROOT = Path(__file__).resolve().parent.parent
CAMERA = ("agent", "wire", "vision", "settings", "telemetry", "guarding", "db")
"""What a machine runs that is a camera and no server."""
SHIPPED = ("agent", "server", "wire", "vision", "settings", "telemetry", "guarding", "db")
FROM_THE_SYSTEM = {"picamera2", "libcamera", "hailo_platform"}
"""Comes with the Raspberry Pi's own packages, never from an index."""


def names_in(text: str) -> set[str]:
    """Normalised distribution names of a requirements file."""
    found = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", text, re.MULTILINE)
    return {normalised(name) for name in found}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins_in(text: str) -> dict[str, set[str]]:
    """Versions by name; a name has several where markers choose between them."""
    pins: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE):
        pins.setdefault(normalised(name), set()).add(version)
    return pins


def unlisted_imports(
    modules: Sequence[Module], listed: set[str], distributions: Mapping[str, Sequence[str]]
) -> list[str]:
    """Third-party imports whose distribution is not among `listed`."""
    wrong = []
    for module in modules:
        for found in imports(module):
            top = found.target.partition(".")[0]
            if top in sys.stdlib_module_names or top in SHIPPED or top in FROM_THE_SYSTEM:
                continue
            carriers = {normalised(name) for name in distributions.get(top, [top])}
            if not carriers & listed:
                wrong.append(
                    f"{module.name}:{found.line} imports {top}: name it in a requirements*.in"
                )
    return wrong


def listed(kind: str) -> set[str]:
    return names_in(read(f"requirements{kind}.in"))


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_every_third_party_import_is_listed() -> None:
    modules = read_modules(ROOT, SHIPPED)
    known = listed("-agent") | listed("-server") | listed("-otel")
    wrong = unlisted_imports(modules, known, packages_distributions())
    assert not wrong, "\n" + "\n".join(wrong)


def test_a_camera_needs_nothing_of_the_server() -> None:
    modules = read_modules(ROOT, CAMERA)
    wrong = unlisted_imports(modules, listed("-agent") | listed("-otel"), packages_distributions())
    assert not wrong, "\n" + "\n".join(wrong)
    assert not {"nicegui", "asyncpg", "obstore"} & set(pins_in(read("requirements-agent.txt")))


def test_unlisted_import_is_found() -> None:
    module = Module("wire.x", "import json\nimport msgspec\nfrom numpy import array")
    distributions = {"msgspec": ["msgspec"], "numpy": ["numpy"]}
    assert unlisted_imports([module], {"msgspec"}, distributions) == [
        "wire.x:3 imports numpy: name it in a requirements*.in"
    ]


@pytest.mark.parametrize(
    ("kind", "lists"),
    [
        ("", ["-agent", "-server"]),
        ("-agent", ["-agent"]),
        ("-server", ["-server"]),
        ("-pi", ["-agent", "-pi"]),
        ("-otel", ["-otel"]),
        ("-dev", ["-dev"]),
    ],
)
def test_pinned_file_belongs_to_its_lists(kind: str, lists: list[str]) -> None:
    pinned, named = read(f"requirements{kind}.txt"), set[str]().union(*map(listed, lists))
    assert named <= set(pins_in(pinned)), "run scripts/pin"
    loose = names_in(pinned) - set(pins_in(pinned))
    assert not loose, f"{loose} without an exact version: run scripts/pin"
    assert "://" not in pinned, "a pinned file names an address: run scripts/pin"


@pytest.mark.parametrize("kind", ["-agent", "-server", "-dev"])
def test_pins_agree_with_those_of_both_programs(kind: str) -> None:
    programs, others = pins_in(read("requirements.txt")), pins_in(read(f"requirements{kind}.txt"))
    shared = programs.keys() & others.keys()
    assert {name: programs[name] for name in shared} == {name: others[name] for name in shared}
    assert kind != "-server" or "numpy" not in others, "its version is the agent's: run scripts/pin"


def test_raspberry_pi_differs_only_where_numpy_1_asks_for_it() -> None:
    programs, pi = pins_in(read("requirements.txt")), pins_in(read("requirements-pi.txt"))
    different = {name for name in pi if pi[name] != programs.get(name)}
    assert different <= {"numpy", "opencv-python-headless"}
    assert all(version.startswith("1.") for version in pi["numpy"])

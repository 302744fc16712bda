"""Thai plates in pictures: digits by the embedded reader, everything by a network that reads Thai.

The real Thai network cannot be had in a test; a tiny one with Thai classes takes its place in the
manifest's slot, through the same loading, cutting and decoding.
"""

from __future__ import annotations

import numpy as np
import pytest

from agent.camera.synthetic.bodies import End
from agent.camera.synthetic.platework import THAI_FONT, plate_texture
from agent.camera.synthetic.registration import Region, registration
from tests.vision.plates.rendered import pasted
from tests.vision.tiny_onnx import model, node
from vision.backends.backend import Backend
from vision.backends.onnx import OnnxBackend
from vision.manifest import ModelEntry
from vision.networks import Networks, NetworkSettings, Prepare
from vision.plates.reader import THAI_MODEL, EmbeddedPlateReader
from vision.pool.budget import Priority

needs_font = pytest.mark.skipif(
    not THAI_FONT.is_file(), reason="the Debian package fonts-thai-tlwg is not installed"
)

ALPHABET = "กขฃคABC0123456789"


@pytest.fixture(scope="module")
def reader() -> EmbeddedPlateReader:
    return EmbeddedPlateReader(regions=("th",))


@needs_font
@pytest.mark.parametrize("number", [0, 1, 4])
def test_digits_of_a_drawn_plate_are_read_and_marked_partial(
    reader: EmbeddedPlateReader, number: int
) -> None:
    plate = registration(seed=3, number=number, regions=(Region.TH,))
    texture = plate_texture(plate, End.FRONT, np.random.default_rng(number))
    (found,) = reader.read(pasted(texture, width=150)).plates
    assert found.text == plate.printed.split()[-1]
    assert (found.region, found.is_partial) == ("th", True)


@needs_font
def test_while_guessing_a_thai_plate_is_not_taken_for_another(
    reader: EmbeddedPlateReader,
) -> None:
    guessing = EmbeddedPlateReader()
    for number in (0, 1, 4):
        plate = registration(seed=3, number=number, regions=(Region.TH,))
        texture = plate_texture(plate, End.FRONT, np.random.default_rng(number))
        for found in guessing.read(pasted(texture, width=150)).plates:
            assert found.is_partial
            assert found.text == plate.printed.split()[-1]


@needs_font
def test_a_thai_plate_is_nothing_where_other_regions_are_known() -> None:
    plate = registration(seed=3, number=0, regions=(Region.TH,))
    texture = plate_texture(plate, End.FRONT, np.random.default_rng(0))
    assert EmbeddedPlateReader(regions=("us",)).read(pasted(texture, width=150)).plates == ()


def says(text: str) -> bytes:
    """A network that reads `text` in every picture: one step a character, blanks between."""
    classes = ["", *ALPHABET, " "]
    steps = [0]
    for character in text:
        steps += [classes.index(character), 0]
    known = np.full((1, len(steps), len(classes)), 0.0005, np.float32)
    known[0, np.arange(len(steps)), steps] = 0.99
    nodes = [
        node("ReduceMin", ["pixels"], ["least"], keepdims=0),
        node("Sub", ["least", "least"], ["zero"]),
        node("Add", ["known", "zero"], ["lines"]),
    ]
    return model(
        nodes,
        inputs={"pixels": (1, 3, 48, "width")},
        outputs={"lines": known.shape},
        weights={"known": known},
        metadata={"character": "\n".join(ALPHABET)},
    )


class WithThai:
    """The bundled networks, and a tiny one in the place of the fetched Thai one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._bundled = Networks(NetworkSettings(threads=2))

    def entry(self, name: str) -> ModelEntry:
        return self._bundled.entry(name)

    def open(
        self, name: str, *, priority: Priority = Priority.MEDIUM, prepare: Prepare | None = None
    ) -> Backend:
        if name != THAI_MODEL:
            return self._bundled.open(name, priority=priority, prepare=prepare)
        assert prepare is not None
        return OnnxBackend(name, prepare(self._data), threads=1)


@needs_font
def test_with_the_thai_network_the_whole_plate_is_read() -> None:
    reader = EmbeddedPlateReader(regions=("th",), networks=WithThai(says("1กข 1234")))
    assert THAI_MODEL in reader.model
    plate = registration(seed=3, number=0, regions=(Region.TH,))
    texture = plate_texture(plate, End.FRONT, np.random.default_rng(0))
    found = reader.read(pasted(texture, width=150)).plates
    assert {plate.text for plate in found} == {"1กข1234"}
    assert all(plate.region == "th" and not plate.is_partial for plate in found)
    assert all(plate.region_format == "th:NTT*DDDD" for plate in found)
    assert all("".join(c.text for c in plate.characters) == plate.text for plate in found)


@needs_font
def test_what_the_thai_network_reads_must_be_a_thai_number() -> None:
    reader = EmbeddedPlateReader(regions=("th",), networks=WithThai(says("ABC 1234")))
    plate = registration(seed=3, number=0, regions=(Region.TH,))
    texture = plate_texture(plate, End.FRONT, np.random.default_rng(0))
    assert reader.read(pasted(texture, width=150)).plates == ()


def test_the_manifest_names_the_thai_network_and_where_it_is_to_be_had() -> None:
    entry = Networks().entry(THAI_MODEL)
    assert entry.address.endswith("/th_PP-OCRv5_rec_mobile.onnx")
    assert len(entry.sha256) == 64
    assert not Networks().is_here(THAI_MODEL)

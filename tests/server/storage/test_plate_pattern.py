"""Plates as they are searched for: one folding in Python and SQL, wildcards, likelihoods."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.migrations import SERVER_SQLITE, migrate
from server.errors import QuestionInvalid
from server.storage.plate_pattern import PlatePattern
from wire.plates import compact, plate_key

PLATES = st.one_of(
    st.text(alphabet="ABDILOQSZabdiloqsz0123456789 -.·กขฮÄäß[]*?", max_size=12),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12),
).map(lambda text: unicodedata.normalize("NFC", text))


@pytest.fixture(scope="module")
def database() -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    migrate(connection, SERVER_SQLITE)
    yield connection
    connection.close()


@given(plate=PLATES)
def test_python_and_the_database_fold_a_plate_alike(database: apsw.Connection, plate: str) -> None:
    database.execute("INSERT INTO lpr_detections (id, license_plate) VALUES (1, ?)", (plate,))
    try:
        assert database.execute("SELECT plate_key FROM lpr_detections").get == plate_key(plate)
    finally:
        database.execute("DELETE FROM lpr_detections")


@pytest.mark.parametrize(
    ("one", "other"),
    [("B8O 0SD", "88005O"), ("ab-12.34", "AB1Z34"), ("1กก 1234", "Iกก l234"), ("Q·Q", "oD")],
)
def test_look_alikes_have_one_key(one: str, other: str) -> None:
    assert plate_key(one) == plate_key(other)


def pattern(text: str) -> PlatePattern:
    parsed = PlatePattern.parse(text)
    assert parsed is not None
    return parsed


@pytest.mark.parametrize("text", ["", " ", "*", " ** ", "-*-"])
def test_what_asks_for_nothing_is_no_pattern(text: str) -> None:
    assert PlatePattern.parse(text) is None


@pytest.mark.parametrize("text", ["A" * 65, "AB\n", "AB\0"])
def test_what_cannot_be_on_a_plate_is_refused(text: str) -> None:
    with pytest.raises(QuestionInvalid, match="no control characters"):
        PlatePattern.parse(text)


@given(plate=PLATES, start=st.integers(0, 12), length=st.integers(0, 12))
def test_a_plate_with_a_hole_of_any_length_is_found(plate: str, start: int, length: int) -> None:
    plain = compact(plate).replace("*", "").replace("?", "")
    parsed = PlatePattern.parse(f"{plain[:start]}*{plain[start + length :]}"[:64])
    if parsed is not None:
        assert parsed.likelihood(plain) == 1.0
        glob = apsw.Connection(":memory:").execute(
            "SELECT ? GLOB ?", (plate_key(plain), parsed.key_glob)
        )
        assert glob.get == 1


def test_likelihood_falls_with_each_confused_character() -> None:
    wanted = pattern("ABC 1234")
    assert wanted.likelihood("abc1234") == 1.0
    assert wanted.likelihood("A8C1234") > wanted.likelihood("A8CI234") > 0.0
    assert wanted.likelihood("XBC1234") == 0.0


def test_what_the_reading_itself_held_possible_is_likelier() -> None:
    wanted = pattern("AB1")
    told = [("A", 0.9, []), ("8", 0.55, [("B", 0.4)]), ("1", 0.9, [])]
    denied = [("A", 0.9, []), ("8", 0.99, [("X", 0.01)]), ("1", 0.9, [])]
    assert wanted.likelihood("A81", told) == pytest.approx(0.4)
    assert wanted.likelihood("A81", denied) < wanted.likelihood("A81") < 0.4


def test_wildcards_match_as_people_mean_them() -> None:
    assert pattern("1กก*").likelihood("1กก 1234") == 1.0
    assert pattern("*34").likelihood("AB1234") == 1.0
    assert pattern("A?1").likelihood("AX1") == 1.0
    assert pattern("A?1").likelihood("A1") == 0.0
    assert pattern("A[1").likelihood("A[1") == 1.0

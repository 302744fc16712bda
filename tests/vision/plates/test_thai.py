"""Lines of a Thai plate as read become series, number and province."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.plates.thai import (
    CONSONANTS,
    match_province,
    parse_registration,
    provinces,
)


@pytest.mark.parametrize(
    ("read", "printed"),
    [
        ("1กก 1234", "1กก 1234"),
        ("กข-9", "กข 9"),
        ("๒ขค ๕๙๕๙", "2ขค 5959"),
        ("ฮ 7", "ฮ 7"),
        ("9กฮ:9999", "9กฮ 9999"),
    ],
)
def test_the_upper_line_is_parted_into_its_two_groups(read: str, printed: str) -> None:
    found = parse_registration(read)
    assert found is not None
    assert found.printed == printed
    assert found.text == printed.replace(" ", "")


@pytest.mark.parametrize(
    "read", ["", "1234", "กก", "0กก 1234", "กก 0", "กกกก 1", "กก 12345", "AB 1234", "1กA 1234"]
)
def test_what_no_thai_plate_says_is_refused(read: str) -> None:
    assert parse_registration(read) is None


@given(
    st.sampled_from(["", *"123456789"]),
    st.text(alphabet=CONSONANTS, min_size=1, max_size=3),
    st.integers(1, 9999),
    st.sampled_from(["", " ", "-", "  "]),
)
def test_every_registration_is_read_back(digit: str, letters: str, number: int, gap: str) -> None:
    found = parse_registration(f"{digit}{letters}{gap}{number}")
    assert found is not None
    assert (found.series, found.number) == (digit + letters, str(number))


def test_there_are_77_provinces_and_betong_with_names_of_their_own() -> None:
    assert len(provinces()) == 78
    assert len({province.code for province in provinces()}) == 77
    assert len({province.name for province in provinces()}) == 78


def test_every_province_is_known_by_its_name() -> None:
    for known in provinces():
        exact = match_province(known.name)
        assert exact is not None
        assert exact.province == known
        assert exact.edits == 0


@pytest.mark.parametrize(
    ("read", "english"),
    [
        ("กรงเทพมหานคร", "Bangkok"),
        ("กรุงเทพมทานคร", "Bangkok"),
        ("เชียงใหม", "Chiang Mai"),
        ("นครราชสมา", "Nakhon Ratchasima"),
        ("สมุทรสาคร ", "Samut Sakhon"),
    ],
)
def test_lost_marks_and_single_misreadings_do_not_hide_the_province(
    read: str, english: str
) -> None:
    found = match_province(read)
    assert found is not None
    assert found.province.english == english


@pytest.mark.parametrize("read", ["", "TOYOTA", "ประเทศไทย", "กขคงจฉ", "1234"])
def test_other_lines_name_no_province(read: str) -> None:
    assert match_province(read) is None

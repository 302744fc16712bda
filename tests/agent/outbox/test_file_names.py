"""A name from outside leads into the folder it is joined to, or is none."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.outbox.file_names import LONGEST_BYTES, file_name, file_names


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("20240806.jpg", "20240806.jpg"),
        ("captured_images/ป้าย.jpg", "ป้าย.jpg"),
        ("/etc/passwd", "passwd"),
        ("../../x.jpg", "x.jpg"),
        ("", None),
        ("/", None),
        ("a/..", None),
        (".", None),
        ("a\0.jpg", None),
        ("\ud800.jpg", None),
        ("x" * (LONGEST_BYTES + 1), None),
        (b"bytes.jpg", None),
        (None, None),
        (7, None),
    ],
)
def test_last_part_of_what_was_said_is_the_name(said: object, name: str | None) -> None:
    assert file_name(said) == name


@given(st.text())
def test_a_name_stays_in_its_folder(said: str) -> None:
    name = file_name(said)
    if name is not None:
        assert (PurePosixPath("folder") / name).parent == PurePosixPath("folder")


def test_names_come_once_and_in_order() -> None:
    assert file_names(["b/x.jpg", None, "a.jpg", "x.jpg", ".."]) == ("x.jpg", "a.jpg")

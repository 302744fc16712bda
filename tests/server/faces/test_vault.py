"""Enrolment pictures lie encrypted where there is a key; keys change, and none is lost."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from server.errors import ConfigInvalid, PictureLocked
from server.faces.vault import PictureVault, add_key, read_keys

PICTURE = b"\xff\xd8 a face"
OLD, NEW = b"o" * 32, b"n" * 32


def test_a_sealed_picture_shows_nothing_and_opens_again() -> None:
    vault = PictureVault([OLD])
    kept = vault.sealed(PICTURE, name="a")
    assert PICTURE not in kept
    assert kept != vault.sealed(PICTURE, name="a")
    assert vault.opened(kept, name="a") == PICTURE


def test_without_a_key_pictures_are_plain_and_those_of_before_open_with_one() -> None:
    plain = PictureVault(()).sealed(PICTURE, name="a")
    assert plain == PICTURE
    assert PictureVault([OLD]).opened(plain, name="a") == PICTURE


def test_after_a_change_of_keys_old_pictures_open_and_new_ones_have_the_new() -> None:
    old = PictureVault([OLD]).sealed(PICTURE, name="a")
    both = PictureVault([NEW, OLD])
    assert both.opened(old, name="a") == PICTURE
    assert (both.is_current(old), both.is_current(both.sealed(PICTURE, name="a"))) == (False, True)


def test_the_wrong_key_is_told_by_its_number_and_what_was_changed_is_not_believed() -> None:
    kept = PictureVault([OLD]).sealed(PICTURE, name="a")
    with pytest.raises(PictureLocked, match=r"with key [0-9a-f]{8}.*nothing is lost"):
        PictureVault([NEW]).opened(kept, name="a")
    with pytest.raises(PictureLocked, match="cannot be decrypted"):
        PictureVault([OLD]).opened(kept, name="another")
    with pytest.raises(PictureLocked, match="cannot be decrypted"):
        PictureVault([OLD]).opened(kept[:-1] + bytes([kept[-1] ^ 1]), name="a")


def test_a_new_key_stands_above_the_older_ones_and_only_the_owner_reads_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "face.keys"
    add_key(path)
    (first,) = read_keys(path)
    number = add_key(path)
    second, again = read_keys(path)
    assert again == first
    assert PictureVault([second]).current == number
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "cannot be read"), ("", "holds no key"), ("c2hvcnQ=\n", "line 1: expected 32 bytes")],
)
def test_a_file_without_proper_keys_names_the_command(
    tmp_path: Path, text: str | None, said: str
) -> None:
    path = tmp_path / "face.keys"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigInvalid, match=said) as told:
        read_keys(path)
    assert "python -m server faces new-key" in str(told.value)

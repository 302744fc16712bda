"""A folder that was just made is still there after a power cut."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import agent.outbox.durable
import server.storage.durable

both_ends = pytest.mark.parametrize(
    "make_folder", [agent.outbox.durable.make_folder, server.storage.durable.make_folder]
)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The places that were made durable, in order."""
    places: list[Path] = []
    fsync = os.fsync

    def noting(handle: int) -> None:
        fsync(handle)
        places.append(Path(f"/proc/self/fd/{handle}").readlink())

    monkeypatch.setattr(os, "fsync", noting)
    return places


@both_ends
def test_each_new_folder_is_made_durable_in_the_one_around_it(
    make_folder: Callable[[Path], None], synced: list[Path], tmp_path: Path
) -> None:
    make_folder(tmp_path / "outer" / "inner")
    assert (tmp_path / "outer" / "inner").is_dir()
    assert synced == [tmp_path, tmp_path / "outer"]


@both_ends
def test_a_folder_that_exists_costs_nothing(
    make_folder: Callable[[Path], None], synced: list[Path], tmp_path: Path
) -> None:
    make_folder(tmp_path)
    assert synced == []


@both_ends
def test_a_file_in_the_way_is_said(make_folder: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "file")
    with pytest.raises(OSError, match="file"):
        make_folder(tmp_path / "file" / "below")

"""What an earlier version kept of faces beside the database goes."""

from __future__ import annotations

from pathlib import Path

from server.faces.older_index import drop_older_index


def test_the_index_of_an_earlier_version_goes_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    for name in ("index.usearch", "index.usearch.json", "index.usearch.new", "mine.txt"):
        (folder / name).write_bytes(b"vectors")
    drop_older_index(tmp_path / "server.db")
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    (folder / "mine.txt").unlink()
    (folder / "index.usearch").touch()
    drop_older_index(tmp_path / "server.db")
    drop_older_index(tmp_path / "server.db")
    assert not folder.exists()

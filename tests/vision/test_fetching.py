"""Models are fetched whole or not at all, go on where they broke off, and say what went wrong."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agent.outbox.small_disk import small_disk
from tests.fakes.model_mirror import Mirror, mirror_of
from vision.errors import FetchFailed
from vision.fetching import WAITS_S, address_of, fetch
from vision.manifest import ModelEntry, parse_manifest

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with mirror_of({"a.onnx": CONTENT}) as mirror:
        yield mirror


def entry_of(content: bytes = CONTENT, *, sha256: str = SHA256, address: str = "") -> ModelEntry:
    text = f"""
[[model]]
name = "a"
task = "t"
kind = "file"
path = "a.onnx"
format = "onnx"
input = "3x8x8 bgr 0..255"
licence = "MIT"
address = "{address}"
size_bytes = {len(content)}
sha256 = "{sha256}"
"""
    return parse_manifest(text)["a"]


def fetched(
    mirror: Mirror, folder: Path, entry: ModelEntry | None = None
) -> tuple[Path, list[int], list[float]]:
    """The file, the progress that was told, and the pauses that were made."""
    progress: list[int] = []
    pauses: list[float] = []
    path = fetch(
        entry or entry_of(),
        folder,
        base_url=mirror.url,
        progress=progress.append,
        sleep=pauses.append,
    )
    return path, progress, pauses


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_file_comes_whole_with_its_progress(mirror: Mirror, tmp_path: Path) -> None:
    path, progress, pauses = fetched(mirror, tmp_path / "models")
    assert path.read_bytes() == CONTENT
    assert left_in(tmp_path / "models") == ["a.onnx"]
    assert progress == sorted(progress)
    assert progress[-1] == len(CONTENT)
    assert pauses == []
    assert mirror.asked == [None]


def test_file_that_is_here_is_not_fetched_again(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(CONTENT)
    _, progress, _ = fetched(mirror, tmp_path)
    assert mirror.asked == []
    assert progress == [len(CONTENT)]


def test_wrong_file_that_is_here_is_replaced(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"damaged")
    path, _, _ = fetched(mirror, tmp_path)
    assert path.read_bytes() == CONTENT


def test_broken_line_is_tried_again_from_where_it_broke(mirror: Mirror, tmp_path: Path) -> None:
    mirror.cuts = [100_000, 50_000]
    path, _, pauses = fetched(mirror, tmp_path)
    assert path.read_bytes() == CONTENT
    assert mirror.asked == [None, "bytes=100000-", "bytes=150000-"]
    assert pauses == list(WAITS_S)


def test_what_was_fetched_stays_for_the_next_run(mirror: Mirror, tmp_path: Path) -> None:
    mirror.cuts = [100_000, 10, 10]
    with pytest.raises(FetchFailed, match=r"100020 of 512000 bytes are here .* run it again"):
        fetched(mirror, tmp_path)
    assert left_in(tmp_path) == [".a.onnx.partial"]
    path, progress, _ = fetched(mirror, tmp_path)
    assert path.read_bytes() == CONTENT
    assert mirror.asked[-1] == "bytes=100020-"
    assert progress[0] == 100_020
    assert left_in(tmp_path) == ["a.onnx"]


def test_server_without_ranges_begins_anew(mirror: Mirror, tmp_path: Path) -> None:
    mirror.knows_ranges = False
    mirror.cuts = [100_000]
    path, progress, _ = fetched(mirror, tmp_path)
    assert path.read_bytes() == CONTENT
    assert 0 in progress[1:]


def test_partial_file_that_is_whole_needs_no_server(tmp_path: Path) -> None:
    (tmp_path / ".a.onnx.partial").write_bytes(CONTENT)
    path, _, _ = fetched(Mirror(files={}, url="http://127.0.0.1:9/none"), tmp_path)
    assert path.read_bytes() == CONTENT


def test_longer_leftover_of_another_version_is_begun_anew(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / ".a.onnx.partial").write_bytes(CONTENT + b"more")
    path, _, _ = fetched(mirror, tmp_path)
    assert path.read_bytes() == CONTENT
    assert mirror.asked == [None]


def test_link_in_place_of_the_leftover_is_not_followed(mirror: Mirror, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"not ours")
    (tmp_path / ".a.onnx.partial").symlink_to(elsewhere)
    with pytest.raises(FetchFailed, match=r"\.a\.onnx\.partial is a symbolic link.*: delete it"):
        fetched(mirror, tmp_path)
    assert elsewhere.read_bytes() == b"not ours"
    assert mirror.asked == []


def test_other_content_is_not_kept(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["a.onnx"] = CONTENT[:-1] + b"\0"
    with pytest.raises(FetchFailed, match=rf"model a: .* has sha256 .*expected {SHA256}"):
        fetched(mirror, tmp_path)
    assert left_in(tmp_path) == []


def test_more_than_the_manifest_says_is_not_kept(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["a.onnx"] = CONTENT + b"more"
    with pytest.raises(FetchFailed, match="more than the 512000 bytes"):
        fetched(mirror, tmp_path)
    assert left_in(tmp_path) == []


def test_file_that_is_not_there_is_named_with_its_address(mirror: Mirror, tmp_path: Path) -> None:
    mirror.status = 404
    with pytest.raises(FetchFailed, match=rf"{mirror.url}/a\.onnx is not there \(404\)"):
        fetched(mirror, tmp_path)
    assert len(mirror.asked) == 1
    assert left_in(tmp_path) == []


def test_server_that_fails_is_tried_again_and_one_that_refuses_is_not(
    mirror: Mirror, tmp_path: Path
) -> None:
    mirror.status = 503
    with pytest.raises(FetchFailed, match=r"the server fails \(503"):
        fetched(mirror, tmp_path)
    assert len(mirror.asked) == 3
    mirror.status = 403
    with pytest.raises(FetchFailed, match=r"is refused \(403"):
        fetched(mirror, tmp_path)
    assert len(mirror.asked) == 4


def test_no_network_is_told_with_another_way(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        mirror = Mirror(files={}, url=f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(FetchFailed, match=r"cannot be reached .* by hand .*a\.onnx"):
            fetched(mirror, tmp_path)
    assert left_in(tmp_path) == []


def test_disk_without_room_is_told_before_anything_comes(mirror: Mirror, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        with pytest.raises(
            FetchFailed, match=r"needs 1 MB in .*disk, and 4 MB are free: make room"
        ):
            fetched(mirror, disk)
        assert left_in(disk) == []
    assert mirror.asked == []


def test_disk_that_fills_up_meanwhile_is_told_and_freed(mirror: Mirror, tmp_path: Path) -> None:
    content = os.urandom(30_000_000)
    mirror.files["a.onnx"] = content
    entry = entry_of(content, sha256=hashlib.sha256(content).hexdigest())
    with small_disk(tmp_path / "disk", 48) as disk:
        other = disk / "other"

        def fill(done: int) -> None:
            if done > 0 and not other.exists():
                with other.open("wb") as file:
                    file.truncate()
                    os.posix_fallocate(file.fileno(), 0, 30_000_000)

        with pytest.raises(FetchFailed, match="the disk is full: make room"):
            fetch(entry, disk, base_url=mirror.url, progress=fill, sleep=lambda _: None)
        assert left_in(disk) == ["other"]


def test_folder_that_cannot_be_written_is_told(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(FetchFailed, match="AGENT_MODELS_DIR"):
        fetched(mirror, tmp_path / "models")


def test_two_at_once_do_not_mix(mirror: Mirror, tmp_path: Path) -> None:
    def second(done: int) -> None:
        with pytest.raises(FetchFailed, match="another process is fetching it"):
            fetched(mirror, tmp_path)

    path = fetch(entry_of(), tmp_path, base_url=mirror.url, progress=second, sleep=lambda _: None)
    assert path.read_bytes() == CONTENT


def test_address_is_the_mirrors_or_the_publishers() -> None:
    entry = entry_of(address="https://example.org/x/a.onnx")
    assert address_of(entry, "") == "https://example.org/x/a.onnx"
    assert address_of(entry, "http://mirror/") == "http://mirror/a.onnx"
    with pytest.raises(FetchFailed, match="MODELS_BASE_URL"):
        address_of(entry_of(), "")


def test_a_size_that_only_the_server_knows_is_asked_for(mirror: Mirror, tmp_path: Path) -> None:
    path, progress, _ = fetched(mirror, tmp_path / "models", replace(entry_of(), size_bytes=0))
    assert path.read_bytes() == CONTENT
    assert progress[-1] == len(CONTENT)
    _, progress, _ = fetched(mirror, tmp_path / "models", replace(entry_of(), size_bytes=0))
    assert progress == [len(CONTENT)]


def test_an_unknown_size_of_a_file_that_is_not_there_names_the_address(
    mirror: Mirror, tmp_path: Path
) -> None:
    mirror.files.clear()
    with pytest.raises(FetchFailed, match=r"a\.onnx is not there \(404\)"):
        fetched(mirror, tmp_path / "models", replace(entry_of(), size_bytes=0))


def test_an_unknown_size_is_asked_for_again_where_the_line_breaks(tmp_path: Path) -> None:
    pauses: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as hanging_up:
        hung_up = hanging_up.submit(_hang_up, silent, 1 + len(WAITS_S))
        with pytest.raises(FetchFailed, match=r"model a: http.*: the line broke"):
            fetch(
                replace(entry_of(), size_bytes=0),
                tmp_path,
                base_url=f"http://127.0.0.1:{silent.getsockname()[1]}",
                progress=lambda done_bytes: None,
                sleep=pauses.append,
            )
        hung_up.result(10)
    assert pauses == list(WAITS_S)
    assert left_in(tmp_path) == []


def _hang_up(server: socket.socket, times: int) -> None:
    """Take so many requests and answer none."""
    server.settimeout(10)
    for _ in range(times):
        caller, _ = server.accept()
        with caller:
            caller.recv(4096)

"""The manifest names what is there, and says so when it is not."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from vision.errors import ManifestInvalid, ModelFailed, ModelMissing
from vision.manifest import (
    ModelEntry,
    ModelKind,
    locate,
    manifest,
    model_entry,
    parse_manifest,
    verify,
)

ENTRY = """
[[model]]
name = "a"
task = "t"
kind = "file"
path = "a.onnx"
format = "onnx"
input = "3x8x8 bgr 0..255"
licence = "MIT"
address = "https://example.org/a.onnx"
size_bytes = 3
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"""


@pytest.mark.parametrize("entry", manifest().values(), ids=lambda entry: entry.name)
def test_wheel_models_are_there_and_are_the_ones_meant(entry: ModelEntry) -> None:
    if entry.kind is not ModelKind.WHEEL:
        with pytest.raises(ModelMissing, match=entry.name):
            locate(entry, models_folder=Path("no-such-folder"))
        return
    path = locate(entry)
    assert path.stat().st_size == entry.size_bytes
    verify(entry, path)


PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "models" / "known.toml"


@pytest.mark.skipif(
    not PUBLISHED.exists(), reason="what publishers state is not beside the project"
)
def test_fetched_models_are_the_ones_that_their_publisher_states() -> None:
    stated = tomllib.loads(PUBLISHED.read_text(encoding="utf-8"))["model"]
    ours = {Path(entry.path).name: entry for entry in manifest().values()}
    for one in stated:
        entry = ours[Path(one["path"]).name]
        assert entry.address.endswith(one["path"])
        assert (entry.size_bytes, entry.sha256, entry.licence) == (
            one["size_bytes"],
            one["sha256"],
            one["licence"],
        )


def test_locating_does_not_run_the_package() -> None:
    code = (
        "import sys; from vision.manifest import locate, model_entry;"
        "locate(model_entry('pp-ocrv6-rec-small')); print('rapidocr' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelMissing, match="yunet-2023mar"):
        model_entry("no-such-model")


def test_model_of_a_package_that_is_not_installed_names_it() -> None:
    text = ENTRY.replace('kind = "file"', 'kind = "wheel"\npackage = "no_such_package"')
    with pytest.raises(ModelMissing, match="no_such_package"):
        locate(parse_manifest(text)["a"])


def test_fetched_model_is_verified_by_its_content(tmp_path: Path) -> None:
    entry = parse_manifest(ENTRY)["a"]
    with pytest.raises(ModelMissing, match=r"model a: .*a\.onnx"):
        locate(entry, models_folder=tmp_path)
    (tmp_path / "a.onnx").write_bytes(b"abc")
    path = locate(entry, models_folder=tmp_path)
    verify(entry, path)
    path.write_bytes(b"abd")
    with pytest.raises(ModelFailed, match="sha256"):
        verify(entry, path)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no list"),
        ("[[model]\n", "no list"),
        (ENTRY.replace('licence = "MIT"\n', ""), "licence"),
        (ENTRY.replace('kind = "file"', 'kind = "floppy"'), "floppy"),
        (ENTRY.replace("ba7816bf", "xyz"), "sha256"),
        (ENTRY.replace("3x8x8 bgr", "8x8"), "write channels x height"),
        (ENTRY.replace('format = "onnx"', 'format = "pickle"'), "pickle"),
        (ENTRY.replace("https://", "ftp://"), "https"),
        (ENTRY.replace("size_bytes = 3", "size_bytes = -1"), "size_bytes is -1"),
        (ENTRY.replace("size_bytes = 3", 'size_bytes = "x"'), "size_bytes is 'x', expected int"),
        (ENTRY.replace('licence = "MIT"', "licence = 3"), "licence is 3, expected str"),
        (re.sub(r'path = ".*"', 'path = "../../a.onnx"', ENTRY), "path '../../a.onnx' is no file"),
        (re.sub(r'path = ".*"', 'path = ""', ENTRY), "path '' is no file"),
        (ENTRY + ENTRY, "two models"),
        (ENTRY.replace('kind = "file"', 'kind = "wheel"'), "package"),
    ],
)
def test_wrong_manifest_says_what_is_wrong(text: str, word: str) -> None:
    with pytest.raises(ManifestInvalid, match=word):
        parse_manifest(text)


def test_models_of_the_folder_are_added_to_ours(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(ENTRY)
    entries = manifest(tmp_path)
    assert list(entries)[-1] == "a"
    assert "yunet-2023mar" in entries
    assert model_entry("a", tmp_path).path == "a.onnx"
    assert "a" not in manifest()


def test_model_of_the_folder_may_not_take_a_name_of_ours(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(ENTRY.replace('"a"', '"yunet-2023mar"', 1))
    with pytest.raises(ManifestInvalid, match=r"models\.toml: yunet-2023mar is a name of ours"):
        manifest(tmp_path)


def test_wrong_model_of_the_folder_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(ENTRY.replace("ba7816bf", "xyz"))
    with pytest.raises(ManifestInvalid, match=rf"{tmp_path}/models\.toml: model a: sha256"):
        manifest(tmp_path)


def test_absolute_path_of_a_system_package_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "x.hef").write_bytes(b"abc")
    text = ENTRY.replace('path = "a.onnx"', f'path = "{tmp_path}/x.hef"')
    entry = parse_manifest(text)["a"]
    assert locate(entry, models_folder=tmp_path / "models") == tmp_path / "x.hef"


def test_memory_nobody_measured_is_guessed_above_the_files_size() -> None:
    entry = parse_manifest(ENTRY.replace("size_bytes = 3", "size_bytes = 10_000_000"))["a"]
    assert 30_000_000 < entry.needed_bytes < 200_000_000
    measured = parse_manifest(ENTRY + "memory_bytes = 5\n")["a"]
    assert measured.needed_bytes == 5


def test_a_size_may_be_unknown_where_the_hash_is_known() -> None:
    entry = parse_manifest(ENTRY.replace("size_bytes = 3", "size_bytes = 0"))["a"]
    assert 10_000_000 < entry.needed_bytes < 200_000_000

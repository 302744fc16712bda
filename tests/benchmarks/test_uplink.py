"""The uplink benchmark: rows that repeat by their seed, a disk that is one, figures that add up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import limit, peers, uplink
from benchmarks.machine import NotOnDisk, machine_of, mount_of
from benchmarks.traffic import Traffic, fill, numbered
from benchmarks.uplink import Case
from tests.extent import whole_runs
from tests.server.cameras import jpeg
from wire.picture import inspect_picture


def test_same_seed_gives_the_same_rows(tmp_path: Path) -> None:
    found = []
    for name in ("first", "second"):
        folder = tmp_path / name
        fill(folder / "a.db", folder / "images", Traffic(rows=3, with_pictures=True, seed=7))
        found.append(limit.encoded_rows(folder / "a.db", folder / "images"))
    assert found[0] == found[1]
    assert len(set(found[0])) == 3


def test_numbered_pictures_differ_and_are_whole() -> None:
    first, second = numbered(jpeg(), 1), numbered(jpeg(), 2)
    assert first != second
    for picture in (first, second):
        facts = inspect_picture(picture, max_bytes=10**6, max_pixels=10**6)
        assert (facts.width, facts.height) == (64, 48)


def test_memory_is_no_disk() -> None:
    shared = Path("/dev/shm")  # noqa: S108 (it is looked at, not used)
    if not shared.exists() or mount_of(shared)[1] != "tmpfs":
        pytest.skip("this machine has no tmpfs at /dev/shm")
    with pytest.raises(NotOnDisk, match="tmpfs"):
        machine_of(shared)


def test_ratios_are_of_medians_and_the_best_group() -> None:
    case = Case(name="x", rows=100)
    for group, seconds in zip(limit.GROUPS, (4.0, 1.0, 2.0), strict=True):
        case.note(f"limit {group}", seconds, process=0.5)
    for seconds in (2.0, 1.25, 50.0):
        case.note("ours", seconds, sender=0.1, server=0.2)
    case.note("mqtt", 10.0)
    case.note("nats", 4.0)
    found = uplink.report(case)
    assert found["limit"] == 100.0
    assert found["ours_to_limit"] == 0.5
    assert found["ours_to_best_peer"] == 2.0
    assert case.cpu_us["ours server"][0] == pytest.approx(2000)


@whole_runs
def test_whole_run_measures_every_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--rows", "60", "--pictures", "6", "--repetitions", "1", "--json"]
    uplink.main([*options, "--folder", str(tmp_path)])
    found = json.loads(capsys.readouterr().out)
    ways = {"ours", *(f"limit {group}" for group in limit.GROUPS)}
    ways |= {peer.name for peer in peers.PEERS if peer.path is not None}
    assert [case["name"] for case in found["cases"]] == ["with pictures", "without pictures"]
    for case in found["cases"]:
        assert set(case["rates"]) == ways
        assert case["ours_to_limit"] > 0
    assert not list(tmp_path.iterdir())

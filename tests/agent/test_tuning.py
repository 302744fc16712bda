"""What an operator sets: checked, kept, in force, and back after a restart."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from agent.errors import TuningInvalid, TuningNotKept
from agent.outbox.durable import write_durably
from agent.tuning import Tuning, changed, parsed_tuning
from agent.tuning_file import TuningFile

BASE = Tuning(min_confidence=0.5, cooldown_s=30.0)
ZONE = {"name": "Lane", "points": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]}


def _file(path: Path) -> TuningFile:
    return TuningFile(path, base=BASE, write=write_durably)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"min_confidence": 1.5}, "min_confidence: expected at most 1, got 1.5"),
        ({"cooldown_s": float("nan")}, "cooldown_s"),
        ({"camera": {"exposure_ms": 0}}, "camera.exposure_ms: expected at least 0.05, got 0"),
        ({"camera": {"zoom": 2}}, "camera.zoom"),
        ({"speed": 1}, "speed"),
        ({"zones": [{**ZONE, "points": [[0.1, 0.1], [0.9, 0.1]]}]}, "zones.0.points"),
        ({"zones": [{**ZONE, "points": [[0.1, 0.1], [0.9, 0.1], [0.5, 0.1]]}]}, "too small"),
        ({"zones": [{**ZONE, "points": [[0.1, 0.1], [1.1, 0.1], [0.5, 0.9]]}]}, "1.1"),
        (
            {"zones": [{**ZONE, "colour": 1}]},
            "zones.0.colour: there is no such field; there are name",
        ),
        ({"line": {"middle": 0}}, "line.middle: there is no such field; there are start, end"),
        ({"zones": [ZONE] * 9}, "zones"),
        ({"line": {"start": [0.5, 0.5], "end": [0.5, 0.51]}}, "too short"),
        ([], "settings"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_place(values: Any, named: str) -> None:
    with pytest.raises(TuningInvalid, match=r".*") as refused:
        parsed_tuning(values)
    assert named in str(refused.value)


def test_a_change_touches_only_its_keys() -> None:
    tuning = changed(Tuning(), {"camera": {"contrast": 1.2}, "cooldown_s": 10})
    tuning = changed(tuning, {"camera": {"focus": 0.5}, "zones": [ZONE]})
    assert (tuning.camera.contrast, tuning.camera.focus, tuning.cooldown_s) == (1.2, 0.5, 10)
    assert changed(tuning, {"cooldown_s": None, "zones": []}).camera == tuning.camera
    with pytest.raises(TuningInvalid, match="expected an object"):
        changed(tuning, ["zones"])


def test_settings_survive_a_restart_over_the_environments(tmp_path: Path) -> None:
    path = tmp_path / "db.settings"
    first = _file(path)
    assert first.effective == BASE
    first.change(changed(first.current, {"cooldown_s": 5, "zones": [ZONE]}))
    again = _file(path)
    assert again.current == first.current
    assert (again.effective.cooldown_s, again.effective.min_confidence) == (5, 0.5)
    again.change(changed(again.current, {"cooldown_s": None}))
    assert _file(path).effective.cooldown_s == 30.0
    assert "min_confidence" not in path.read_text()


def test_whoever_listens_is_told_now_and_at_each_change(tmp_path: Path) -> None:
    file = _file(tmp_path / "db.settings")
    told: list[float | None] = []
    file.on_change(lambda tuning: told.append(tuning.cooldown_s))
    file.change(changed(file.current, {"cooldown_s": 5}))
    assert told == [30.0, 5.0]


def test_what_cannot_be_kept_is_not_put_in_force(tmp_path: Path) -> None:
    def full(target: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    file = TuningFile(tmp_path / "db.settings", base=BASE, write=full)
    told: list[Tuning] = []
    file.on_change(told.append)
    with pytest.raises(TuningNotKept, match="nothing was changed"):
        file.change(changed(file.current, {"cooldown_s": 5}))
    assert file.effective == BASE
    assert len(told) == 1


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"cooldown_s": -1}', b"[]"])
def test_a_damaged_file_costs_its_settings_and_not_the_camera(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "db.settings"
    path.write_bytes(content)
    assert _file(path).effective == BASE
    assert path.with_name("db.settings.unreadable").read_bytes() == content

"""A short run of the fuzzer against a real server; that its own eyes are open."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from benchmarks.fuzz_ingest import fuzz
from benchmarks.mutation import Mutator
from benchmarks.stored_rows import faults_in


def test_a_server_stays_up_and_stores_nothing_invalid(tmp_path: Path) -> None:
    outcome = fuzz(3000, 7, tmp_path)
    assert outcome.findings.violations == []
    assert outcome.findings.sent == 3000
    assert outcome.findings.answers["classic success"] > 100
    assert outcome.findings.answers["classic error"] > 100
    assert outcome.findings.answers["v1 rows stored"] > 100
    assert outcome.findings.answers["v1 rows refused"] > 50


def test_the_same_seed_makes_the_same_messages() -> None:
    shapes = [b'{"rows":[{"id":"x","data":{"image":"/9j/","a":[1,2]}}]}']
    first, again, other = (Mutator(shapes, seed) for seed in (1, 1, 2))
    messages = [first.message() for _ in range(200)]
    assert messages == [again.message() for _ in range(200)]
    assert messages != [other.message() for _ in range(200)]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("UPDATE health_monitors SET status = 'a' || char(0)", "NUL"),
        ("UPDATE lpr_detections SET confidence_percent = 955", "confidence_percent"),
        ("UPDATE lpr_detections SET image_status = 'present', image_sha256 = 'ab'", "picture"),
        ("UPDATE lpr_detections SET message_id = 'mine'", "message_id"),
        ("DELETE FROM message_ledger", "message_ledger"),
    ],
)
def test_what_is_wrong_in_the_database_is_seen(tmp_path: Path, damage: str, words: str) -> None:
    outcome = fuzz(100, 7, tmp_path)
    assert outcome.findings.violations == []
    connection = apsw.Connection(str(tmp_path / "server.db"))
    connection.execute(damage)
    connection.close()
    assert any(words in fault for fault in faults_in(tmp_path / "server.db", tmp_path / "pictures"))

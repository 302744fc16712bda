"""A short run of the fuzzer against a real server; that its own eyes are open."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw
import pytest

from benchmarks.fuzz_ingest import Outcome, fuzz
from benchmarks.mutation import Mutator
from benchmarks.stored_rows import faults_in

MESSAGES = 1000


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """What a server kept of the fuzzer's messages, and the run."""
    folder = tmp_path_factory.mktemp("fuzzed")
    return folder, fuzz(MESSAGES, 7, folder)


def test_a_server_stays_up_and_stores_nothing_invalid(fuzzed: tuple[Path, Outcome]) -> None:
    _, outcome = fuzzed
    assert outcome.findings.violations == []
    assert outcome.findings.sent == MESSAGES
    assert outcome.findings.answers["classic success"] > 30
    assert outcome.findings.answers["classic error"] > 30
    assert outcome.findings.answers["v1 rows stored"] > 30
    assert outcome.findings.answers["v1 rows refused"] > 15


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
def test_what_is_wrong_in_the_database_is_seen(
    tmp_path: Path, fuzzed: tuple[Path, Outcome], damage: str, words: str
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(fuzzed[0], folder)
    assert not any(faults_in(folder / "server.db", folder / "pictures"))
    connection = apsw.Connection(str(folder / "server.db"))
    connection.execute(damage)
    connection.close()
    assert any(words in fault for fault in faults_in(folder / "server.db", folder / "pictures"))

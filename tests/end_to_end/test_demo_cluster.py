"""`scripts/demo-cluster` runs as it is typed: two servers on one PostgreSQL, one is killed."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter

import pytest

from benchmarks.local_postgres import PostgresMissing, programs
from scripts.demo_cluster_books import Book
from tests.end_to_end.programs import ROOT


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return subprocess.run(
        ["./scripts/demo-cluster", *arguments],
        cwd=ROOT,
        env={**kept, "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_server_is_killed_and_every_row_is_there_once() -> None:
    try:
        programs()
    except PostgresMissing as error:
        pytest.skip(str(error))
    done = run("--vehicles", "1", "--kill-one")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert re.search(r"http://127\.0\.0\.1:\d+/setup\?key=\S+", said), said  # pages answer
    assert re.search(r"server-[12] is killed, with [12] of the cameras on it", said), said
    assert re.search("It is started again|before it was to start again", said), said
    if "HAProxy spreads the cameras" in said:
        assert re.search(r"on the other one after \d+\.\d s|were done before", said), said
    assert "Every row is in PostgreSQL, once." in said
    lines = re.findall(r"camera-[12]\W+(\d+)\W+(\d+)\W+(\d+)\W+(\d+)\W+(\d+)\W", said)
    assert len(lines) == 2, said
    for captured, stored, twice, waiting, missing in (map(int, line) for line in lines):
        assert (twice, missing) == (0, 0)
        assert captured == stored + waiting >= 1  # a health check may come after the last sending


def test_books_say_what_is_missing_and_what_is_there_twice() -> None:
    whole = Book(
        camera="gate",
        captured=frozenset("abc"),
        waiting=frozenset("c"),
        stored=Counter("ab"),
    )
    assert whole.is_balanced
    for stored, twice, missing in (("abb", 1, 0), ("a", 0, 1), ("abx", 0, 0)):
        book = Book(
            camera="gate", captured=whole.captured, waiting=whole.waiting, stored=Counter(stored)
        )
        assert (book.twice, book.missing, book.is_balanced) == (twice, missing, False)


def test_a_wrong_number_is_refused() -> None:
    refused = run("--vehicles", "none")
    assert refused.returncode == 2
    assert "expected a number from 1 to 10000" in refused.stderr

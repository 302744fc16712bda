"""The log: a line per event that can be grepped, no secret, no forged line, bounded size."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from telemetry.logging import configure_logging
from tests.telemetry.own_log import own_log


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "log" / "program.log"
    with own_log():
        configure_logging(file=path, level="info", to_stderr=False)
        yield path


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_a_line_has_time_level_words_and_facts(log_file: Path) -> None:
    structlog.get_logger("server.ingest").info(
        "SUCCESS stored 12 rows", duplicates=1, plate="1กก 1"
    )
    [line] = lines_of(log_file)
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT[\d:.]+Z INFO    SUCCESS stored 12 rows  duplicates=1  plate='1กก 1'"
        r"  \[server\.ingest\]",
        line,
    )


def test_errors_can_be_grepped_also_those_of_other_libraries(log_file: Path) -> None:
    structlog.get_logger("a").error("refused")
    logging.getLogger("some.library").error("broke %s", "here")
    logging.getLogger("some.library").debug("chatter")
    lines = lines_of(log_file)
    assert [" ERROR " in line for line in lines] == [True, True]
    assert "broke here" in lines[1]


def test_no_secret_is_written(log_file: Path) -> None:
    structlog.get_logger("a").info("hello", token="hunter2", Authorization="Bearer hunter2")
    assert "hunter2" not in log_file.read_text(encoding="utf-8")


def test_what_a_peer_sent_cannot_forge_a_line(log_file: Path) -> None:
    structlog.get_logger("a").error("refused", value="x\n2026-01-01 SUCCESS stored\x1b[31m")
    [line] = lines_of(log_file)
    assert "\\n2026" in line
    assert "\x1b" not in line


def test_a_traceback_is_kept_below_its_line(log_file: Path) -> None:
    try:
        raise ValueError("deep")
    except ValueError:
        structlog.get_logger("a").exception("connection failed")
    first, *rest = lines_of(log_file)
    assert "ERROR   connection failed" in first
    assert all(line.startswith("    ") for line in rest)
    assert "ValueError: deep" in rest[-1]


def test_the_last_configuration_holds(log_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.log"
    logger = structlog.get_logger("a")
    logger.info("one")
    configure_logging(file=other, level="warning", to_stderr=False)
    logger.info("two")
    logger.warning("three")
    assert len(lines_of(log_file)) == 1
    assert len(lines_of(other)) == 1


def test_an_object_is_written_whatever_a_peer_sent(log_file: Path) -> None:
    configure_logging(file=log_file, level="info", to_stderr=False, form="json")
    structlog.get_logger("a").error("refused", value="1กก\n\ud800")
    [line] = lines_of(log_file)
    assert json.loads(line)["value"] == "1กก\n\ud800"

"""`python -m server faces` without a running server; what shares a process lives in it together."""

from __future__ import annotations

import asyncio
import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from server.accounts.contract import Action
from server.cli import app
from server.config import ServerSettings
from server.errors import FacesUnavailable, NotThere, PictureLocked, StartRefused
from server.face_commands import forget_overdue
from server.face_desk import opened_desk
from server.storage.adoption import prepare_database
from server.storage.postgres.pool import opened_pool
from tests.server.faces.test_gallery import NOW
from tests.server.faces.tiny_faces import GREEN, RED, networks, photo
from tests.server.storage.stores import InPostgres, InSqlite


@pytest.fixture
def place(url: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run commands in, with tiny models, a database of either kind and a person to be
    taken over."""
    monkeypatch.chdir(tmp_path)
    networks(tmp_path / "models").close()
    settings = ServerSettings.load(environ={}, env_files=[])
    if url is None:
        prepare_database(settings.db_path, zone_of=settings.zone_of, now=NOW)
    else:
        monkeypatch.setenv("SERVER_DATABASE_URL", url)
    (tmp_path / "older" / "7").mkdir(parents=True)
    (tmp_path / "older" / "7" / "a.png").write_bytes(photo(RED))
    (tmp_path / "older" / "class_info.csv").write_text("class_id,ten\n7,Lan\n8,Minh\n")
    return tmp_path


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["faces", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_models_are_told_of_before_there_is_a_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    missing = CliRunner().invoke(app, ["faces", "status"])
    networks(tmp_path / "models").close()
    found = CliRunner().invoke(app, ["faces", "status"])
    assert missing.exit_code == found.exit_code == 2
    assert " -m agent models fetch" in missing.stdout
    assert "detector tiny-yunet, model tiny-arcface" in found.stdout
    assert "python -m server run makes it" in found.stderr


def test_people_are_taken_over_exported_and_forgotten(url: str | None, place: Path) -> None:
    (place / "older" / "=cmd()").mkdir()
    told = said("import", "older", "--report", "refused.csv")
    assert "1 persons and 1 pictures were taken over" in told
    refused = (place / "refused.csv").read_text().splitlines()
    assert any("class_info.csv line 3" in line for line in refused)
    assert any(line.startswith("'=cmd()") for line in refused)  # text for a spreadsheet
    assert "tiny-arcface" in said("status")
    assert "0 pictures have a vector" in said("re-embed")
    asyncio.run(in_database(url, "DELETE FROM face_embeddings"))
    assert "1 pictures have a vector" in said("re-embed")
    said("export", "7", "--to", "lan.zip")
    assert "person.json" in zipfile.ZipFile(io.BytesIO((place / "lan.zip").read_bytes())).namelist()
    report = json.loads(said("forget", "7"))
    assert report["is_gone"] is True
    with pytest.raises(NotThere):
        said("forget", "7")
    assert "Nobody's time is over" in said("forget", "--overdue")
    assert asyncio.run(noted(url)) == [*("import", "re-embed", "re-embed", "person 7", "person 7")]


def test_whom_another_process_forgets_meanwhile_is_passed_over(
    url: str | None, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "older" / "8").mkdir()
    (place / "older" / "8" / "b.png").write_bytes(photo(GREEN))
    said("import", "older")
    asyncio.run(
        in_database(url, "UPDATE face_persons SET keep_until = '2026-01-01T00:00:00+00:00'")
    )
    with opened_desk(None) as desk:

        def note(action: Action, subject: str, detail: str) -> None:
            """Of the first; meanwhile another process forgets the second."""
            said("forget", "8")

        forget_overdue(replace(desk, note=note))
    told = capsys.readouterr()
    assert json.loads(told.out)["class_id"] == 7
    assert told.err == "Person 8 was forgotten elsewhere meanwhile.\n"
    assert "Nobody's time is over" in said("forget", "--overdue")


async def noted(url: str | None) -> list[str]:
    """Of what the audit log says it was done by the command line."""
    asked = "SELECT subject FROM audit_log WHERE actor = 'command line' ORDER BY id"
    return [subject for (subject,) in await in_database(url, asked)]


async def in_database(url: str | None, sql: str) -> list[tuple[Any, ...]]:
    if url is None:
        path = ServerSettings.load(environ={}, env_files=[]).db_path
        return await InSqlite(path).query(sql)
    async with opened_pool(url, connections=1) as pool:
        return await InPostgres(pool).query(sql)


def test_a_file_that_is_named_is_meant_also_where_there_is_a_postgresql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    networks(tmp_path / "models").close()
    settings = ServerSettings.load(environ={}, env_files=[])
    prepare_database(settings.db_path, zone_of=settings.zone_of, now=NOW)
    monkeypatch.setenv("SERVER_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    refused = CliRunner().invoke(app, ["faces", "status"])
    assert isinstance(refused.exception, StartRefused)
    assert "check that PostgreSQL runs there" in str(refused.exception)
    assert "tiny-arcface" in said("status", "--db", str(settings.db_path))


def test_pictures_are_put_under_a_new_key_and_none_is_lost(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said("import", "older")
    keys = place / "face.keys"
    first = said("new-key", str(keys))
    monkeypatch.setenv("SERVER_FACE_KEY_FILE", str(keys))
    number = re.search(r"key ([0-9a-f]{8})", first)
    assert number is not None
    assert number[1] in said("status")
    assert "1 pictures were encrypted" in said("encrypt")
    assert "0 pictures were encrypted" in said("encrypt")
    second = said("new-key")
    assert second != first
    assert "1 pictures were encrypted" in said("encrypt")
    keys.write_text(keys.read_text().splitlines()[0])  # the older key is needed no more
    said("export", "7", "--to", "lan.zip")
    exported = zipfile.ZipFile(io.BytesIO((place / "lan.zip").read_bytes()))
    assert exported.read("pictures/1.jpg")[:2] == b"\xff\xd8"
    keys.unlink()
    said("new-key", str(keys))
    with pytest.raises(PictureLocked, match="nothing is lost"):
        said("export", "7", "--to", "again.zip")


def test_without_models_the_command_that_gets_them_is_named(place: Path) -> None:
    (place / "models" / "models.toml").unlink()
    with pytest.raises(FacesUnavailable, match=" -m agent models fetch"):
        said("import", "older")

"""`python -m server sql`: reads the database, whichever it is, and never writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, NoReturn

import apsw
import asyncpg
import typer
from rich.console import Console
from rich.table import Table

from server.cli_database import Database, check_there, read_from_postgres, settings_of
from server.cli_fail import fail
from server.config import ServerSettings
from server.storage.connection import open_reader
from server.storage.pictures import PictureArchive, register_picture_base64
from server.storage.postgres.connection import LONG_ANSWER_S, Connection

EXAMPLE: Final = "SELECT license_plate, captured_at FROM lpr_detections ORDER BY id DESC LIMIT 5"


def sql(
    statement: Annotated[
        str | None, typer.Argument(help=f'A SELECT, in quotes: "{EXAMPLE}"')
    ] = None,
    db: Database = None,
) -> None:
    """Read the database with SQL: a SELECT is expected.

    In SQLite picture_base64(image_sha256, substr(received_at, 1, 10)) reads a picture.
    """
    if statement is None:
        fail(f'expected a SELECT in quotes, such as: python -m server sql "{EXAMPLE}"')
    settings = settings_of(db)
    try:
        if settings.uses_postgres:
            _of_postgres(settings, statement)
        else:
            _of_sqlite(settings, statement)
    except (apsw.ReadOnlyError, asyncpg.ReadOnlySQLTransactionError):
        _refuse(statement)
    except (apsw.Error, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        fail(f"{statement}: {error}")
    except TimeoutError:
        fail(f"{statement}: took longer than {LONG_ANSWER_S:g} s: ask for less")


def _refuse(statement: str) -> NoReturn:
    fail(f"{statement}: this command only reads: expected a SELECT")


def _of_sqlite(settings: ServerSettings, statement: str) -> None:
    check_there(settings.db_path)
    archive = PictureArchive(settings.pictures_path, read_only=True)
    connection = open_reader(settings.db_path)
    try:
        register_picture_base64(connection, archive)
        names: list[str] = []
        connection.exec_trace = _column_names_into(names)
        _print_rows(names, list(connection.execute(statement)))
    finally:
        connection.close()
        archive.close()


def _of_postgres(settings: ServerSettings, statement: str) -> None:
    async def read(connection: Connection) -> tuple[list[str], list[tuple[Any, ...]]]:
        prepared = await connection.prepare(statement)
        columns = prepared.get_attributes()
        if not columns:  # a COPY writes files, whatever the transaction may do
            _refuse(statement)
        return [column.name for column in columns], [tuple(row) for row in await prepared.fetch()]

    _print_rows(*read_from_postgres(settings, read))


def _print_rows(names: Sequence[str], found: Sequence[Sequence[Any]]) -> None:
    """A table on a terminal; tab-separated lines where the output goes elsewhere."""
    rows = [tuple(_shown(value) for value in row) for row in found]
    console = Console()
    if not console.is_terminal:
        for line in (names, *rows):
            typer.echo("\t".join(line))
        return
    table = Table(*names)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _column_names_into(names: list[str]) -> Callable[[apsw.Cursor, str, Any], bool]:
    """Cursors forget their columns after the last row, so they are noted before the first."""

    def note(cursor: apsw.Cursor, _statement: str, _bindings: Any) -> bool:
        names[:] = [column[0] for column in cursor.get_description()]
        return True

    return note


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else str(value)

"""The server's command line."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import sys
from collections.abc import Callable
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.table import Table

from server.cli_database import (
    Database,
    in_postgres,
    now_utc,
    settings_of,
    writable_database,
)
from server.cli_faces import faces_app
from server.cli_fail import fail
from server.cli_move import migrate_store
from server.cli_pictures import pictures_app
from server.cli_prune import (
    DryRun,
    InPostgres,
    InSqlite,
    KeepIds,
    OlderThan,
    Prunable,
    run_prune,
)
from server.cli_settings import show_settings, warn_of_doubtful_keys
from server.cli_sql import sql
from server.cli_users import user_app
from server.config import ServerSettings
from server.errors import ServerError, StartRefused
from server.export_command import export, feed_of
from server.role import Role
from server.storage import tokens
from server.storage.postgres import holders
from server.trial import try_running
from server.web.api.moments import moment
from server.workers import check_workers, run_workers
from settings.showing import secrets_of
from telemetry.collecting import look_as_usual
from telemetry.error_book import ErrorBook, file_beside
from telemetry.logging import configure_logging
from telemetry.redaction import secrets_in
from telemetry.service_manager import ServiceManager, report

app = typer.Typer(
    name="python -m server",
    help="The Sightpost server: takes the rows of cameras and keeps them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # with rich it calls every flag a <bool>
    context_settings={"max_content_width": 100},
)
token_app = typer.Typer(
    help="Tokens: how cameras beyond this machine prove who they are.", no_args_is_help=True
)
app.command("migrate-store")(migrate_store)
app.command("settings")(show_settings)
app.command("sql")(sql)
app.add_typer(token_app, name="token")
app.add_typer(user_app, name="user")
app.add_typer(faces_app, name="faces")
app.add_typer(pictures_app, name="pictures")


def main() -> None:
    """Runs the command line; errors of ours become one sentence and exit code 2."""
    try:
        app()
    except ServerError as error:
        fail(str(error))


@app.command()
def run(
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on for cameras. Default: SERVER_HOST."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port for cameras; 0 for any free one. Default: SERVER_PORT (8765)."),
    ] = None,
    web_port: Annotated[
        int | None,
        typer.Option(help="Port for browsers and GET /health. Default: SERVER_WEB_PORT (8080)."),
    ] = None,
    db: Database = None,
    role: Annotated[
        Role,
        typer.Option(
            help="What this process does: takes rows (ingest), answers people and programs (web), "
            "or both. Several processes need SERVER_DATABASE_URL."
        ),
    ] = Role.ALL,
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            max=64,
            help="Processes that take rows on the same port of this machine; needs "
            "SERVER_DATABASE_URL.",
        ),
    ] = 1,
    shared_port: Annotated[bool, typer.Option("--shared-port", hidden=True)] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Log into the file alone, not to stderr as well.")
    ] = False,
) -> None:
    """Run the server until it is told to stop: Ctrl-C or SIGTERM."""
    settings = settings_of(db, host=host, port=port, web_port=web_port)
    if workers > 1:
        check_workers(settings, role)
    warn_of_doubtful_keys()
    errors = ErrorBook(
        file_beside(settings.log_file) if role.shows_pages else None,  # one process keeps the file
        secrets=secrets_in(secrets_of(settings)),
    )
    try:
        configure_logging(
            file=settings.log_file,
            level=settings.log_level,
            to_stderr=not quiet,
            form=settings.log_format,
            errors=errors,
        )
    except OSError as error:
        raise StartRefused(
            f"SERVER_LOG_FILE={settings.log_file} cannot be written: {error}; "
            "write a path that this user may write"
        ) from error
    _allow_many_connections()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        if workers > 1:
            sys.exit(runner.run(run_workers(settings, role, workers)))
        runner.run(_run(settings, role, errors, shares_port=shared_port))


async def _run(
    settings: ServerSettings, role: Role, errors: ErrorBook, *, shares_port: bool
) -> None:
    from server.app import running  # pages and all: the other commands start without

    look_as_usual()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings, role=role, shares_port=shares_port, errors=errors) as server:
        manager = ServiceManager.from_environment()
        if manager.is_there and server.pages_url is not None:  # who starts a service sees no log
            sys.stderr.write(f"The pages are on {server.pages_url}\n")
        if server.setup_url is not None:
            sys.stderr.write(
                "Nobody can sign in yet. Make the first administrator's account on\n"
                f"  {server.setup_url}\n"
                "(the link holds for a day; start the server again for a new one)\n"
            )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(
                report(manager, status=server.status_line, works=server.works, stop=stop)
            )
            await stop.wait()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)  # a second one ends the program at once
        structlog.get_logger(__name__).info("stopping: what was taken is stored and answered first")


def _allow_many_connections() -> None:
    """A connection is an open file; systems often begin with 1024 where many more are allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where there is one (there is none for Windows, nor yet for a new Python)."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


@app.command("test")
def try_it() -> None:
    """Try whether the server takes cameras and answers browsers."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        for line in runner.run(try_running(ServerSettings.load())):
            typer.echo(line)


@token_app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="The camera's name: its device id.")],
    db: Database = None,
) -> None:
    """Make a token for a camera and show it, once."""
    settings = settings_of(db)
    if settings.uses_postgres:
        token = in_postgres(settings, lambda held: holders.create_token(held, name, now_utc()))
    else:
        with writable_database(settings, must_exist=False) as connection:
            token = tokens.create_token(connection, name, now_utc())
    typer.echo(token)
    sys.stderr.write(
        f"This is the token of {name}. It is not shown again. The camera gets in its .env or "
        f".env.production:\nAGENT_DEVICE_ID={name}\n"
        f"AGENT_TOKEN={token if sys.stderr.isatty() else '(the token)'}\n"  # into no log
    )


@token_app.command("list")
def list_all(db: Database = None) -> None:
    """Show all tokens of cameras: when they were made, used, revoked."""
    settings = settings_of(db)
    if settings.uses_postgres:
        held = in_postgres(settings, holders.list_tokens)
    else:
        with writable_database(settings, must_exist=True) as connection:
            held = tokens.list_tokens(connection)
    table = Table("name", "created", "last used", "revoked")
    for each in held:
        table.add_row(each.name, each.created_at, each.last_used_at or "", each.revoked_at or "")
    Console().print(table)


@token_app.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(help="The camera's name.")], db: Database = None
) -> None:
    """End a token; connections that use it are closed within seconds."""
    settings = settings_of(db)
    if settings.uses_postgres:
        in_postgres(settings, lambda held: holders.revoke_token(held, name, now_utc()))
    else:
        with writable_database(settings, must_exist=True) as connection:
            tokens.revoke_token(connection, name, now_utc())
    typer.echo(f"The token of {name} is revoked.")


@app.command("export")
def export_sightings(
    since: Annotated[
        str | None,
        typer.Option(
            help="Those that arrived then or later: 2026-08-06T10:30:00+07:00, or a day; without "
            "offset it is of SERVER_TIME_ZONE."
        ),
    ] = None,
    after: Annotated[
        int | None, typer.Option(min=0, help="Those with a higher id: the last one that you have.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what arrives, until Ctrl-C.")
    ] = False,
    db: Database = None,
) -> None:
    """Print sightings as JSON lines, by arrival. Also beside a running server."""
    settings = settings_of(db)
    begin = moment("--since", since, settings.time_zone)

    async def work() -> None:
        async with feed_of(settings) as feed:
            await export(feed, sys.stdout, since=begin, after=after, is_following=follow)

    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner() as runner:
        runner.run(work())


@app.command("prune")
def prune(
    older_than: OlderThan = None,
    keep_ids: KeepIds = "3y",
    dry_run: DryRun = False,
    db: Database = None,
) -> None:
    """Give up old rows and pictures, also while the server runs."""
    settings = settings_of(db)
    if older_than is None and not settings.retention_days:
        typer.echo("SERVER_RETENTION_DAYS is 0: rows are kept. Nothing was changed.")
        return
    place: Prunable
    if settings.uses_postgres:
        place = InPostgres(settings)
    else:
        with writable_database(settings, must_exist=True):
            pass  # at this program's version, unless a server has it open, which saw to that
        place = InSqlite(settings.db_path, settings.pictures_path)
    run_prune(
        place,
        older_than=older_than or f"{settings.retention_days}d",
        keep_ids=keep_ids,
        dry_run=dry_run,
    )

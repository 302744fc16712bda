"""`python -m server user ...`: accounts of people, also while the server runs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import apsw
import typer
from rich.console import Console
from rich.table import Table

from server.accounts import api_tokens, users
from server.accounts.book import COMMAND_LINE, AccountBook, new_hash
from server.accounts.contract import Standing
from server.accounts.permissions import Permission, Role
from server.cli_database import Database, writable_database
from server.config import ServerSettings

user_app = typer.Typer(
    help="Accounts, by which people sign in to the pages, and tokens for their programs.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="The name that they sign in with.")]
FromStdin = Annotated[
    bool, typer.Option("--stdin", help="Read the password from standard input, for an installer.")
]


@user_app.command("add")
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.VIEWER,
    full_name: Annotated[str, typer.Option(help="Who it is.")] = "",
    from_stdin: FromStdin = False,
    db: Database = None,
) -> None:
    """Make an account; its password is asked for."""
    password_hash = new_hash(_password(from_stdin=from_stdin), name=name)
    with _book(db, must_exist=False) as (book, _):
        book.make_user(COMMAND_LINE, name, password_hash, role, full_name)
    typer.echo(f"{name} can sign in, as {role.value}.")


@user_app.command("list")
def list_all(db: Database = None) -> None:
    """Show all accounts, those that wait for approval first."""
    with _book(db) as (_, connection):
        held = users.list_users(connection)
    table = Table("name", "full name", "role", "standing", "made", "last sign-in")
    for each in held:
        last = each.last_sign_in_at
        table.add_row(
            each.name,
            each.full_name,
            each.role.value,
            each.standing.value,
            each.created_at.isoformat(),
            "" if last is None else last.isoformat(),
        )
    Console().print(table)


@user_app.command("approve")
def approve(
    name: Name,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.VIEWER,
    db: Database = None,
) -> None:
    """Let somebody in who asked for an account."""
    _stand(name, Standing.ACTIVE, role, db)
    typer.echo(f"{name} can sign in, as {role.value}.")


@user_app.command("disable")
def disable(name: Name, db: Database = None) -> None:
    """Shut an account: its sessions, pages and tokens end within seconds."""
    _stand(name, Standing.DISABLED, None, db)
    typer.echo(f"{name} cannot sign in any more.")


@user_app.command("enable")
def enable(name: Name, db: Database = None) -> None:
    """Open an account again that was disabled."""
    _stand(name, Standing.ACTIVE, None, db)
    typer.echo(f"{name} can sign in again.")


@user_app.command("role")
def change_role(
    name: Name,
    role: Annotated[Role, typer.Argument(help="What they may do from now on.")],
    db: Database = None,
) -> None:
    """Change what somebody may do."""
    with _book(db) as (book, connection):
        book.set_role(COMMAND_LINE, users.user_named(connection, name).id, role)
    typer.echo(f"{name} is {role.value} now.")


@user_app.command("password")
def password(name: Name, from_stdin: FromStdin = False, db: Database = None) -> None:
    """Set somebody's password; their sessions end."""
    with _book(db) as (_, connection):
        user = users.user_named(connection, name)
    password_hash = new_hash(_password(from_stdin=from_stdin), name=user.name)
    with _book(db) as (book, _):
        book.set_password(COMMAND_LINE, user.id, password_hash)
    typer.echo(f"{name} signs in with the new password from now on.")


@user_app.command("token")
def token(
    name: Name,
    title: Annotated[str, typer.Argument(help="What it is for, such as grafana.")],
    scope: Annotated[
        list[Permission], typer.Option(help="What it may do; several by repeating this.")
    ],
    db: Database = None,
) -> None:
    """Make an API token for a program and show it, once."""
    with _book(db) as (book, connection):
        owner = users.user_named(connection, name)
        made = book.make_token(COMMAND_LINE, owner.id, title, frozenset(scope), None)
    typer.echo(made)
    sys.stderr.write(
        "This is the token. It is not shown again: the program sends it as "
        "'Authorization: Bearer TOKEN'\n"
    )


@user_app.command("tokens")
def list_tokens(db: Database = None) -> None:
    """Show everybody's API tokens: what they may do, when they were used and revoked."""
    with _book(db) as (_, connection):
        held = api_tokens.list_tokens(connection)
    table = Table("number", "owner", "name", "scopes", "last used", "expires", "revoked")
    for each in held:
        times = (each.last_used_at, each.expires_at, each.revoked_at)
        scopes = " ".join(sorted(scope.value for scope in each.scopes))
        shown = ("" if time is None else time.isoformat() for time in times)
        table.add_row(str(each.id), each.owner, each.name, scopes, *shown)
    Console().print(table)


@user_app.command("revoke-token")
def revoke_token(
    number: Annotated[int, typer.Argument(help="Its number in 'user tokens'.")],
    db: Database = None,
) -> None:
    """End an API token."""
    with _book(db) as (book, _):
        book.revoke_token(COMMAND_LINE, number)
    typer.echo(f"Token {number} is revoked.")


def _stand(name: str, standing: Standing, role: Role | None, db: Database) -> None:
    with _book(db) as (book, connection):
        user = users.user_named(connection, name)
        book.set_standing(COMMAND_LINE, user.id, standing, role)


@contextlib.contextmanager
def _book(
    db: Database, *, must_exist: bool = True
) -> Iterator[tuple[AccountBook, apsw.Connection]]:
    settings = ServerSettings.load(db_path=db)
    with writable_database(settings, must_exist=must_exist) as connection:
        yield AccountBook(connection, lambda: datetime.now(UTC)), connection


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    chosen: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return chosen

"""`python -m server user ...`: accounts of people, also while the server runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from server.accounts import api_tokens, users
from server.accounts.book import COMMAND_LINE, AccountBook, new_hash
from server.accounts.contract import Standing
from server.accounts.permissions import Permission, Role
from server.cli_database import (
    Database,
    in_postgres,
    now_utc,
    settings_of,
    writable_database,
)
from server.storage.asking import Reader, Writer
from server.storage.connection import transaction
from server.storage.postgres.writing import Subject, changed
from server.storage.sqlite_statements import SqliteWriter

_T = TypeVar("_T")

user_app = typer.Typer(
    help="Accounts for people, and tokens for their programs.",
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
    _changed(
        db,
        lambda book, _: book.make_user(COMMAND_LINE, name, password_hash, role, full_name),
        must_exist=False,
    )
    typer.echo(f"{name} can sign in, as {role.value}.")


@user_app.command("list")
def list_all(db: Database = None) -> None:
    """Show all accounts, those that wait for approval first."""
    held = _changed(db, lambda _, reader: users.list_users(reader))
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
    """Shut an account. Its sessions, pages and tokens end within seconds."""
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
    _changed(
        db,
        lambda book, reader: book.set_role(COMMAND_LINE, users.user_named(reader, name).id, role),
    )
    typer.echo(f"{name} is {role.value} now.")


@user_app.command("password")
def password(name: Name, from_stdin: FromStdin = False, db: Database = None) -> None:
    """Set somebody's password; their sessions end."""
    user = _changed(db, lambda _, reader: users.user_named(reader, name))
    password_hash = new_hash(_password(from_stdin=from_stdin), name=user.name)
    _changed(db, lambda book, _: book.set_password(COMMAND_LINE, user.id, password_hash))
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

    def make(book: AccountBook, reader: Reader) -> str:
        owner = users.user_named(reader, name)
        return book.make_token(COMMAND_LINE, owner.id, title, frozenset(scope), None)

    made = _changed(db, make)
    typer.echo(made)
    sys.stderr.write(
        "This is the token. It is not shown again: the program sends it as "
        "'Authorization: Bearer TOKEN'\n"
    )


@user_app.command("tokens")
def list_tokens(db: Database = None) -> None:
    """Show everybody's API tokens. What they may do, when they were used and revoked."""
    held = _changed(db, lambda _, reader: api_tokens.list_tokens(reader))
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
    _changed(db, lambda book, _: book.revoke_token(COMMAND_LINE, number))
    typer.echo(f"Token {number} is revoked.")


def _stand(name: str, standing: Standing, role: Role | None, db: Database) -> None:
    def stand(book: AccountBook, reader: Reader) -> None:
        book.set_standing(COMMAND_LINE, users.user_named(reader, name).id, standing, role)

    _changed(db, stand)


def _changed(
    db: Database, work: Callable[[AccountBook, Reader], _T], *, must_exist: bool = True
) -> _T:
    """What `work` returns: one change, of whichever database keeps accounts."""
    settings = settings_of(db)

    def change(writer: Writer) -> _T:
        return work(AccountBook(writer, now_utc), writer)

    if settings.uses_postgres:
        return in_postgres(settings, lambda held: changed(held, Subject.ACCOUNTS, change))
    with writable_database(settings, must_exist=must_exist) as held, transaction(held):
        return change(SqliteWriter(held))


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    chosen: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return chosen

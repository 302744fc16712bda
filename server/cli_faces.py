"""`python -m server faces ...`: takes people over, embeds again, forgets, exports; also while the
server runs. What does the work is imported by the command that needs it: it loads networks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.cli_database import Database
from server.cli_fail import fail

faces_app = typer.Typer(
    help="People who are enrolled to be recognised by their faces.", no_args_is_help=True
)

ClassId = Annotated[int, typer.Argument(help="The person's number (class_id).", min=1)]


@faces_app.command("import")
def take_over(
    folder: Annotated[Path, typer.Argument(help="Holds class_info.csv and a folder each.")],
    purpose: Annotated[str, typer.Option(help="What they are recognised for.")] = "",
    consent: Annotated[str, typer.Option(help="What they agreed to, in words.")] = "",
    report: Annotated[
        Path | None, typer.Option(help="Write what was refused and why into this CSV file.")
    ] = None,
    db: Database = None,
) -> None:
    """Take people over from the older face service. It may be run again."""
    from server import face_commands

    face_commands.take_over(folder, purpose=purpose, consent=consent, report=report, db=db)


@faces_app.command("re-embed")
def embed_again(
    keep_others: Annotated[
        bool, typer.Option("--keep-others", help="Keep the vectors of other models.")
    ] = False,
    db: Database = None,
) -> None:
    """Give every enrolment picture a vector of the model in use."""
    from server import face_commands

    face_commands.embed_again(keep_others=keep_others, db=db)


@faces_app.command("forget")
def forget(
    class_id: Annotated[
        int | None, typer.Argument(help="The person's number (class_id).", min=1)
    ] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Everybody whose time to be kept is over.")
    ] = False,
    db: Database = None,
) -> None:
    """Take away everything that is held on a person, and prove it. Prints a report as JSON."""
    if (class_id is None) is not overdue:
        fail("expected a person's number, or --overdue")
    from server import face_commands

    face_commands.forget(class_id, db=db)


@faces_app.command("export")
def export(
    class_id: ClassId,
    to: Annotated[Path, typer.Option(help="The ZIP file to write.")],
    db: Database = None,
) -> None:
    """Write all that is held on a person into a ZIP file."""
    from server import face_commands

    face_commands.export(class_id, to=to, db=db)


@faces_app.command("new-key")
def new_key(
    file: Annotated[
        Path | None, typer.Argument(help="Left out: the file of SERVER_FACE_KEY_FILE.")
    ] = None,
) -> None:
    """Write a new key for enrolment pictures above older ones."""
    from server import face_commands

    face_commands.new_key(file)


@faces_app.command("encrypt")
def encrypt(db: Database = None) -> None:
    """Encrypt every enrolment picture with the newest key. It may be broken off and run again."""
    from server import face_commands

    face_commands.encrypt(db=db)


@faces_app.command("status")
def status(db: Database = None) -> None:
    """How many are enrolled, and with which model they are found."""
    from server import face_commands

    face_commands.status(db=db)

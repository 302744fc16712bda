"""What `python -m server faces ...` does, also while the server runs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from db.csv_lines import csv_lines
from server.accounts.contract import Action
from server.cli_database import check_there, now_utc, settings_of
from server.cli_fail import fail
from server.config import ServerSettings
from server.errors import NotThere
from server.face_desk import Desk, opened_desk
from server.face_side import models_of, networks_of, wanted_of
from server.faces import holdings, person_rows, picture_rows
from server.faces.contract import Refusal
from server.faces.gallery import Gallery
from server.faces.importing import Importer
from server.faces.keeping import ModelKey
from server.faces.looking import FaceLooker, make_looker
from server.faces.reembedding import reembed
from server.faces.vault import add_key

SHOWN_REFUSALS = 20


def take_over(
    folder: Path, *, purpose: str, consent: str, report: Path | None, db: Path | None
) -> None:
    """Take people over from the older face service; it may be run again."""
    with opened_desk(db) as desk, _looker(desk) as looker, _progress() as progress:
        task = progress.add_task("looking into pictures")
        importer = Importer(
            gallery=desk.gallery,
            model=desk.model(),
            look=looker.look,
            keep_days=desk.settings.face_keep_days,
            progress=lambda name: progress.update(task, description=name),
        )
        desk.note(Action.PERSON_ENROLLED, "import", str(folder))
        done = importer.run(folder, purpose=purpose, consent=consent, now=now_utc())
    typer.echo(
        f"{done.persons} persons and {done.pictures} pictures were taken over; {done.known} "
        f"pictures were here already; {len(done.refused)} things were refused."
    )
    _tell(done.refused, report)


def embed_again(*, keep_others: bool, db: Path | None) -> None:
    """Give every enrolment picture a vector of the model in use."""
    with opened_desk(db) as desk, _looker(desk) as looker:
        model = desk.model()
        waiting = desk.gallery.read(lambda rows: picture_rows.counted(rows, model)).waiting
        desk.note(Action.PERSON_CHANGED, "re-embed", model.name)
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(f"embedding with {model.name}", total=waiting)
            done = reembed(
                desk.gallery,
                model,
                looker.look,
                keep_others=keep_others,
                progress=lambda count: progress.advance(task, count),
            )
    typer.echo(
        f"{done.pictures} pictures have a vector of {model.name} now; {done.dropped} vectors of "
        "other models are gone."
    )
    if done.refused and not keep_others:
        typer.echo("Vectors of other models are kept, because some pictures could not be done:")
    _tell(done.refused, None)


def forget(class_id: int | None, *, db: Path | None) -> None:
    """A person, None: everybody whose time is over; prints a report as JSON, a line each."""
    with opened_desk(db) as desk:
        if class_id is None:
            forget_overdue(desk)
        else:
            _forget(desk, class_id)


def forget_overdue(desk: Desk) -> None:
    """Whom somebody else forgets meanwhile is passed over, and told."""
    numbers = desk.gallery.read(lambda rows: person_rows.overdue(rows, now_utc()))
    for number in numbers:
        try:
            _forget(desk, number)
        except NotThere:
            typer.echo(f"Person {number} was forgotten elsewhere meanwhile.", err=True)
    if not numbers:
        typer.echo("Nobody's time is over.")


def _forget(desk: Desk, class_id: int) -> None:
    """Raises NotThere."""
    _must_be_there(desk.gallery, class_id)
    desk.note(Action.PERSON_FORGOTTEN, f"person {class_id}", "forgotten")
    found = holdings.forget(desk.gallery, class_id, now_utc())
    typer.echo(json.dumps({"is_gone": found.is_gone, **asdict(found)}, default=str))


def export(class_id: int, *, to: Path, db: Path | None) -> None:
    """Write all that is held on a person into a ZIP file."""
    with opened_desk(db) as desk:
        content = desk.gallery.read(
            lambda rows: holdings.archive_of(rows, class_id, desk.gallery.vault, now_utc())
        )
        desk.note(Action.PERSON_EXPORTED, f"person {class_id}", str(to))
    try:
        to.write_bytes(content)
    except OSError as error:
        fail(f"{to} cannot be written: {error.strerror or error}")
    typer.echo(f"{to}: {len(content):,} bytes, all that is held on person {class_id}.")


def new_key(file: Path | None) -> None:
    """Write a new key above the older ones of a file."""
    path = file or ServerSettings.load().face_key_file
    if path is None:
        fail("name a file, or set SERVER_FACE_KEY_FILE to one")
    try:
        number = add_key(path)
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror or error}")
    typer.echo(
        f"{path}: key {number} is the newest. Set SERVER_FACE_KEY_FILE={path}, start the server "
        "again, and write: python -m server faces encrypt\n"
        "Keep a copy of the file elsewhere than the backups: without it the pictures are lost."
    )


def encrypt(*, db: Path | None) -> None:
    """Encrypt every enrolment picture with the newest key; it may be broken off and run again."""
    with opened_desk(db) as desk:
        if desk.gallery.vault.current is None:
            fail("there is no key: write python -m server faces new-key, set SERVER_FACE_KEY_FILE")
        desk.note(Action.PERSON_CHANGED, "enrolment pictures", "encrypted")
        done = 0
        after: int | None = 0
        while after is not None:
            found, after = desk.gallery.note(
                partial(picture_rows.seal_some, vault=desk.gallery.vault, after=after)
            )
            done += found
        typer.echo(
            f"{done} pictures were encrypted; all are with key {desk.gallery.vault.current} now, "
            "and older lines of the file are needed for backups alone."
        )


def status(*, db: Path | None) -> None:
    """How many are enrolled, and with which model they are found; of models also before there is a
    database."""
    settings = settings_of(db)
    if not settings.uses_postgres and not settings.db_path.exists():
        typer.echo(_models_here(settings))
        check_there(settings.db_path)
    with opened_desk(db) as desk:
        counted = desk.gallery.read(lambda rows: picture_rows.counted(rows, desk.models.key))
    vault = desk.gallery.vault
    table = Table("persons", "pictures", "without a vector", "model", "detector", "key")
    key = desk.models.key
    table.add_row(
        str(counted.persons),
        str(counted.pictures),
        str(counted.waiting),
        "none" if key is None else _model_words(key),
        desk.models.detector or "none",
        vault.current or "none",
    )
    Console().print(table)
    if desk.models.problem is not None:
        typer.echo(desk.models.problem)


def _models_here(settings: ServerSettings) -> str:
    """What would serve, or what is missing and the command that gets it."""
    networks = networks_of(settings)
    try:
        models = models_of(settings, networks)
    finally:
        networks.close()
    if models.key is None:
        return models.problem or "there is no embedding model"
    return f"Models are here: detector {models.detector}, model {_model_words(models.key)}."


def _model_words(key: ModelKey) -> str:
    return f"{key.name} {key.version} ({key.numbers} numbers)"


def _must_be_there(gallery: Gallery, class_id: int) -> None:
    """Raises NotThere."""
    gallery.read(lambda rows: person_rows.find(rows, class_id))


@contextlib.contextmanager
def _looker(desk: Desk) -> Iterator[FaceLooker]:
    desk.model()
    networks = networks_of(desk.settings)
    try:
        yield make_looker(networks, wanted_of(desk.settings))
    finally:
        networks.close()


def _progress() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _tell(refused: Sequence[Refusal], report: Path | None) -> None:
    for each in refused[:SHOWN_REFUSALS]:
        typer.echo(f"  {each.name}: {each.reason}")
    if len(refused) > SHOWN_REFUSALS:
        typer.echo(f"  and {len(refused) - SHOWN_REFUSALS} more")
    if report is None:
        return
    try:
        lines = [("name", "reason"), *((each.name, each.reason) for each in refused)]
        report.write_text(csv_lines(lines), encoding="utf-8", newline="")
    except OSError as error:
        fail(f"{report} cannot be written: {error.strerror or error}")

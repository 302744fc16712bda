"""`python -m agent models`: what models there are, fetching them, checking them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from vision.errors import FetchFailed, ModelError, ModelMissing
from vision.fetching import address_of, fetch
from vision.manifest import ModelEntry, ModelKind, locate, manifest, model_entry, verify

EXIT_FAILED = 1

OK, MISSING, WRONG = "right", "not here", "WRONG"


def list_models(folder: Path, *, as_json: bool) -> None:
    """A table (or JSON lines) of every model: what for, where, how large, under which licence."""
    entries = manifest(folder).values()
    if as_json:
        for entry in entries:
            sys.stdout.write(json.dumps(_facts(entry, folder)) + "\n")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("model", "for", "where", "MB", "memory MB", "licence"):
        table.add_column(column, justify="right" if "MB" in column else "left", overflow="fold")
    for entry in entries:
        path = _path(entry, folder)
        table.add_row(
            entry.name,
            entry.task,
            f"[green]{_place(entry)}" if path else "[yellow]not here",
            f"{entry.size_bytes / 1e6:.1f}" if entry.size_bytes else "?",
            "" if entry.memory_bytes is None else f"{entry.memory_bytes / 1e6:.0f}",
            entry.licence,
        )
    console = _console()
    console.print(table)
    console.print(f"\nFetched models lie in {folder.resolve()}", highlight=False, soft_wrap=True)
    console.print("To fetch one: python -m agent models fetch NAME", highlight=False)


def fetch_models(names: Sequence[str], folder: Path, *, base_url: str) -> int:
    """Fetch models by name; says of each its licence, address and sha256. The exit code."""
    entries = [model_entry(name, folder) for name in names]
    console = Console(stderr=True)
    failed = False
    for entry in entries:
        try:
            address = address_of(entry, base_url)
            console.print(f"[bold]{entry.name}[/bold]: {entry.task}")
            console.print(f"  from     {address}", soft_wrap=True)
            console.print(f"  licence  {entry.licence}")
            console.print(f"  sha256   {entry.sha256}", highlight=False, soft_wrap=True)
            path = _fetched(entry, folder, base_url, console)
            console.print(f"  [green]here[/green]     {path}", soft_wrap=True, highlight=False)
        except FetchFailed as error:
            failed = True
            console.print(f"  [red]failed[/red]   {error}", soft_wrap=True, highlight=False)
    return EXIT_FAILED if failed else 0


def verify_models(names: Sequence[str], folder: Path) -> int:
    """Compare files (those named, or all that are here) with their sha256; the exit code."""
    entries = [model_entry(name, folder) for name in names] or list(manifest(folder).values())
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("model", "state", "file"):
        table.add_column(column, overflow="fold")
    faults: list[str] = []
    for entry, state, path in _states(entries, folder, faults):
        is_fault = state == WRONG or (state == MISSING and entry.name in names)
        colour = "red" if is_fault else "green" if state == OK else "yellow"
        table.add_row(entry.name, f"[{colour}]{state}", str(path or ""))
        if state == MISSING and entry.name in names:
            faults.append(f"model {entry.name} is not here: models fetch {entry.name}")
    _console().print(table)
    for fault in faults:
        Console(stderr=True).print(fault, style="red", soft_wrap=True, highlight=False)
    return EXIT_FAILED if faults else 0


def fetchable(folder: Path) -> list[str]:
    """Names of the models that are not here and can be fetched."""
    return [
        entry.name
        for entry in manifest(folder).values()
        if entry.kind is ModelKind.FILE and entry.address and _path(entry, folder) is None
    ]


def _states(
    entries: Iterable[ModelEntry], folder: Path, faults: list[str]
) -> Iterable[tuple[ModelEntry, str, Path | None]]:
    for entry in entries:
        path = _path(entry, folder)
        if path is None:
            yield entry, MISSING, None
            continue
        try:
            verify(entry, path)
            yield entry, OK, path
        except ModelError as error:
            faults.append(str(error))
            yield entry, WRONG, path


def _fetched(entry: ModelEntry, folder: Path, base_url: str, console: Console) -> Path:
    with Progress(
        TextColumn("  "),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task(entry.name, total=entry.size_bytes or None)
        return fetch(
            entry,
            folder,
            base_url=base_url,
            progress=lambda done: progress.update(task, completed=done),
            sleep=time.sleep,
        )


def _facts(entry: ModelEntry, folder: Path) -> dict[str, object]:
    path = _path(entry, folder)
    return {
        "name": entry.name,
        "task": entry.task,
        "format": entry.format.value,
        "decoder": entry.decoder,
        "input": entry.input.text,
        "path": None if path is None else str(path),
        "size_bytes": entry.size_bytes,
        "memory_bytes": entry.memory_bytes,
        "sha256": entry.sha256,
        "licence": entry.licence,
        "address": entry.address,
    }


def _place(entry: ModelEntry) -> str:
    return f"package {entry.package}" if entry.kind is ModelKind.WHEEL else "fetched"


def _path(entry: ModelEntry, folder: Path) -> Path | None:
    try:
        return locate(entry, models_folder=folder)
    except ModelMissing:
        return None


def _console() -> Console:
    """Standard output; where it is no terminal, wide enough for whole lines."""
    return Console(width=None if sys.stdout.isatty() else 200)

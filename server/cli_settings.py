"""`python -m server settings`, read in without the rest of the server: scripts ask often."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from server.cli_fail import fail
from server.config import PREFIXES, ServerSettings
from server.errors import ConfigInvalid
from settings.loading import SettingsInvalid, doubtful_keys
from settings.showing import lines_of


def show_settings(
    keys: Annotated[
        list[str] | None,
        typer.Argument(help="Print only the values of these, a line each.", metavar="[KEY]..."),
    ] = None,
) -> None:
    """Print the settings in force in this folder. Secrets are not shown."""
    if not keys:  # a script asks for single ones, often
        warn_of_doubtful_keys()
    settings = ServerSettings.load()
    try:
        lines = lines_of(settings, keys or ())
    except SettingsInvalid as error:
        fail(str(error))
    for line in lines:
        typer.echo(line)


def warn_of_doubtful_keys() -> None:
    for doubt in doubtful_keys(ServerSettings, prefixes=PREFIXES):
        sys.stderr.write(f"WARNING {doubt}\n")


def asks_alone(arguments: list[str]) -> bool:
    """Whether these, after the program's name, ask for settings and nothing else."""
    return arguments[:1] == ["settings"] and not any(one.startswith("-") for one in arguments)


def main(arguments: list[str]) -> None:
    """As the whole command line does it; `arguments` are such that `asks_alone`."""
    try:
        show_settings(arguments[1:])
    except ConfigInvalid as error:
        fail(str(error))

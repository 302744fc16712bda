"""The lists of commands that `--help` shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from agent.cli import commands
from server.cli import app

WIDTH = 78
"""What is used of a terminal of 80 columns."""


@pytest.mark.parametrize("program", [commands, app], ids=["agent", "server"])
def test_no_sentence_on_a_command_is_cut_on_a_narrow_terminal(program: typer.Typer) -> None:
    groups = list(_groups(get_command(program), ()))
    assert len(groups) > 1
    for words in groups:
        shown = CliRunner().invoke(program, [*words, "--help"], terminal_width=WIDTH).output
        listed = shown.partition("Commands:\n")[2].splitlines()
        assert listed
        assert [line for line in listed if line.endswith("...")] == []


def _groups(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(command, TyperGroup):
        yield words
        for name, each in command.commands.items():
            yield from _groups(each, (*words, name))

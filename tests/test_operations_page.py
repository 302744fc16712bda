"""docs/operations.md has a row for everything that health can complain of, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMPLAINTS = ("warned", "failed")
FEWEST_LETTERS = 8
"""A sentence with fewer letters of its own is made of others: its section is enough."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """A place in the checks that warns or fails; `said` is what of the sentence stands there."""

    component: str
    said: str
    place: str


def modules() -> list[tuple[Path, ast.Module]]:
    paths = [*sorted((ROOT / "agent" / "health").glob("*.py")), ROOT / "agent" / "checking.py"]
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def texts(node: ast.AST) -> Iterator[str]:
    for found in ast.walk(node):
        if isinstance(found, ast.Constant) and isinstance(found.value, str):
            yield found.value


def complaints() -> Iterator[Complaint]:
    for path, module in modules():
        for node in ast.walk(module):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id not in COMPLAINTS:
                continue
            component, message = node.args
            if isinstance(component, ast.Constant):
                place = f"{path.name}:{node.lineno}"
                yield Complaint(str(component.value), "".join(texts(message)), place)


def sections() -> dict[str, set[str]]:
    """What the first columns quote, by component."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    parts = re.split(r"^### (.+)$", page, flags=re.MULTILINE)[1:]
    return {
        component: set(re.findall(r"`([^`]+)`", "\n".join(first_columns(text))))
        for component, text in zip(parts[::2], parts[1::2], strict=True)
    }


def first_columns(text: str) -> list[str]:
    body = text.split("\n## ")[0]
    return [line.split("|")[1] for line in body.splitlines() if line.startswith("|")]


def test_every_complaint_has_its_row() -> None:
    page = sections()
    found = list(complaints())
    assert len(found) > 20
    missing = [
        complaint
        for complaint in found
        if complaint.component not in page
        or (
            sum(letter.isalpha() for letter in complaint.said) >= FEWEST_LETTERS
            and not any(phrase in complaint.said for phrase in page[complaint.component])
        )
    ]
    assert missing == []


def test_page_quotes_only_what_is_said() -> None:
    said = "\n".join(text for _, module in modules() for text in texts(module))
    stale = {
        component: [phrase for phrase in phrases if phrase not in said]
        for component, phrases in sections().items()
    }
    assert {component: phrases for component, phrases in stale.items() if phrases} == {}

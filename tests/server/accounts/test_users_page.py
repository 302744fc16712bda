"""docs/users.md shows the table of permissions that is in force."""

from __future__ import annotations

from pathlib import Path

from server.accounts.permissions import SCOPES, THIS_MACHINE, Permission, Role, may

PAGE = Path(__file__).resolve().parents[3] / "docs" / "users.md"


def table() -> str:
    """The table as the page has to have it."""
    lines = [
        "| permission | viewer | operator | admin | this machine | API token |  |",
        "|---|---|---|---|---|---|---|",
    ]
    for permission in Permission:
        allowed = [may(role, permission) for role in Role]
        allowed += [permission in THIS_MACHINE, permission in SCOPES]
        cells = " | ".join("yes" if each else "" for each in allowed)
        lines.append(f"| `{permission.value}` | {cells} | {permission.meaning} |")
    return "\n".join(lines)


def test_the_page_shows_what_each_role_may_do() -> None:
    assert table() in PAGE.read_text("utf-8"), f"expected in {PAGE.name}:\n{table()}"

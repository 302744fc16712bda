"""The operator's password: its argon2 hash in a file beside the database."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agent.web.errors import PasswordUnusable
from guarding.passwords import LONGEST, hash_of

SHORTEST: Final = 8

Write = Callable[[Path, bytes], None]
"""Writes a file durably; raises OSError."""


class PasswordFile:
    """Read anew at each use, so that a password set while the agent runs counts at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def beside(cls, database: Path) -> PasswordFile:
        return cls(database.with_name(database.name + ".password"))

    def read(self) -> str | None:
        """The hash; None where no password is set. Raises PasswordUnusable."""
        try:
            return self.path.read_text("ascii").strip() or None
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise PasswordUnusable(
                f"{self.path} cannot be read ({error}): let the agent's user read it, or set the "
                "password anew with 'python -m agent password'"
            ) from error

    def set(self, password: str, write: Write) -> None:
        """Raises PasswordUnusable."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise PasswordUnusable(
                f"a password of {len(password)} characters: expected {SHORTEST} to {LONGEST}"
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write(self.path, f"{hash_of(password)}\n".encode("ascii"))
            os.chmod(self.path, 0o600)  # noqa: PTH101 - as os.open's mode: owner alone
            if os.geteuid() == 0:  # the agent runs as the folder's owner
                folder = self.path.parent.stat()
                os.chown(self.path, folder.st_uid, folder.st_gid)
        except OSError as error:
            raise PasswordUnusable(
                f"{self.path} cannot be written ({error}): run this as the agent's user"
            ) from error

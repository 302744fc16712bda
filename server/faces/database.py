"""Where the gallery's rows are: how threads read and change them, in whichever database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from server.storage.asking import Reader, T, Writer


class GalleryDatabase(Protocol):
    """Blocking, and safe for many threads. All methods raise StorageUnavailable, and what `work`
    raises."""

    def read(self, work: Callable[[Reader], T]) -> T:
        """What `work` finds, all of it at one moment; nobody is kept from writing."""
        ...

    def change(self, work: Callable[[Writer], T]) -> T:
        """What `work` does, all of it or nothing. One change comes after the other, whichever
        process makes it, and each sees what the one before has done."""
        ...

    def close(self) -> None:
        """Idempotent."""
        ...

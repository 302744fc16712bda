"""What a process of the server does, where there are several."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """INGEST takes rows; WEB answers people and programs; ALL does both.

    There may be any number of each on one database in PostgreSQL.
    """

    ALL = "all"
    INGEST = "ingest"
    WEB = "web"

    @property
    def takes_rows(self) -> bool:
        return self is not Role.WEB

    @property
    def shows_pages(self) -> bool:
        return self is not Role.INGEST

"""How far ids are decided: rows with lower ids are there or never will be.

Ids come from sequences, and transactions commit in any order: a row may appear below one that was
seen already. Each group of rows therefore says, before it takes ids, above which number they will
be: with an advisory lock that ends with its transaction, however that ends. Nobody waits for it.
"""

from __future__ import annotations

from typing import Final

from server.storage.asking import Reader
from server.storage.postgres.connection import Connection

FLOORS: Final = {"lpr_detections": 0x53500001, "face_detections": 0x53500003}
"""Tables that somebody goes through by id, and the first of the two numbers of their locks."""
_ROUND: Final = 1 << 31
"""The second number is the id modulo this: PostgreSQL has 32 bits for it, and a sign."""
_ANNOUNCE: Final = {
    table: f"SELECT pg_advisory_xact_lock_shared({number}, (last_value % {_ROUND})::int) "  # noqa: S608 (our own names)
    f"FROM {table}_id"
    for table, number in FLOORS.items()
}
_GIVEN: Final = {
    table: f"SELECT last_value, is_called FROM {table}_id"  # noqa: S608 (our own names)
    for table in FLOORS
}
_FLOORS: Final = (
    "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 "
    "AND classid::bigint = ? "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


async def announce(connection: Connection, table: str) -> None:
    """To be called in a transaction before it takes ids of the table."""
    if table in _ANNOUNCE:
        await connection.execute(_ANNOUNCE[table])


def decided(reader: Reader, table: str) -> int:
    """The highest id up to which no transaction will add a row any more; 0 where there is none.

    What has ended is seen by statements that follow this. In this order: who takes ids after the
    first statement gets higher ones, and whoever took ids before holds its lock in the second, or
    has ended.
    """
    ((last_given, is_given),) = reader.rows(_GIVEN[table])
    if not is_given:
        return 0
    floors = reader.rows(_FLOORS, (FLOORS[table],))
    return lowest(int(last_given), [int(floor) for (floor,) in floors])


def lowest(last_given: int, floors: list[int]) -> int:
    """The id below all that are undecided, of floors modulo `_ROUND`. Pure.

    A floor that seems far below is one above: of a transaction that began meanwhile.
    """
    below = ((last_given - floor) % _ROUND for floor in floors)
    return last_given - max((each for each in below if each < _ROUND // 2), default=0)

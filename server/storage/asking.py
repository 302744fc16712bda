"""How a database, whichever it is, is asked and written to: the contract of its connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")
Values = Mapping[str, Any]

LONGEST_S: Final = 10.0
"""A question is broken off then."""


class Dialect(Protocol):
    """What SQLite and PostgreSQL write differently, as pieces of SQL.

    All else in the statements is written so that both take it; `:name` stands for a value in both.
    """

    def by_index(self, name: str) -> str:
        """Behind a table's name: it is to be read by that index, where that can be said."""
        ...

    def among(self, column: str, name: str) -> str:
        """The column has one of the values of `texts` or `numbers`."""
        ...

    def texts(self, values: tuple[str, ...]) -> Any:
        """Texts as one value."""
        ...

    def numbers(self, values: tuple[int, ...]) -> Any:
        """Whole numbers as one value."""
        ...

    def like(self, column: str, name: str) -> str:
        """The column fits the value, which `pattern` made."""
        ...

    def pattern(self, glob: str) -> str:
        """Of a text with `*`, `?` and `[[]`, as GLOB has them."""
        ...

    @property
    def given_up_before(self) -> str:
        """A statement: times, of which what arrived before the latest was given up as old."""
        ...

    @property
    def kept(self) -> str:
        """Behind a choice of rows: nobody takes them away until the transaction ends. Who comes
        upon one that is being taken away waits, and finds none."""
        ...

    @property
    def in_order(self) -> str:
        """A join whose left side is read first."""
        ...

    @property
    def is_timed(self) -> str:
        """A condition to be added where the last `captured_at` is looked for: times that nobody
        knows do not come first."""
        ...

    def unix_s(self, column: str) -> str:
        """Whole seconds since 1970 of a time that is a text."""
        ...

    def said_number(self, key: str) -> str:
        """The number that begins what `system_info` says under that value; NULL where it says
        none."""
        ...


class Reader(Protocol):
    """One question's view of the database. Statements run one after the other."""

    @property
    def dialect(self) -> Dialect: ...

    def rows(self, sql: str, values: Values | tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of the answer."""
        ...

    def row(self, sql: str, values: Values | tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        """The first row, None where there is none."""
        ...

    def rows_of(self, sql: str, values: Values | tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        """All rows by the names of their columns."""
        ...


class Readers(Protocol):
    """Whoever answers questions: a few at a time, beside whatever writes."""

    @property
    def dialect(self) -> Dialect: ...

    async def ask(self, work: Callable[[Reader], T], *, longest_s: float = LONGEST_S) -> T:
        """What `work` returns, on a thread. Whoever gives up waiting ends the work too.

        Raises TookTooLong, StorageUnavailable, QuestionInvalid for values that no database takes,
        and what `work` raises.
        """
        ...


class Writer(Reader, Protocol):
    """One change's view of the database, within its transaction."""

    def change(self, sql: str, values: Values | tuple[Any, ...] = ()) -> int:
        """Carries the statement out; how many rows it wrote or took away."""
        ...

    def change_each(self, sql: str, many: Sequence[tuple[Any, ...]]) -> None:
        """The statement with each of the values, in order."""
        ...


class Writing(Protocol):
    """Whoever carries out short changes: one at a time, in order, beside whatever takes rows.

    Where several processes change the same, one waits for the other: what a change reads is so
    until it is committed.
    """

    async def write(self, work: Callable[[Writer], T]) -> T:
        """What `work` returns, on a thread: all of it or nothing, and on disk when this returns.
        It is carried out to its end also where whoever asked gives up waiting.

        Raises StorageUnavailable, QuestionInvalid for values that no database takes, GroupRefused
        and what `work` raises.
        """
        ...

    def close(self) -> None:
        """Lets the change in hand end, and takes no more. Idempotent."""
        ...

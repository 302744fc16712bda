"""What answers, and the ends of connections, said of rows, until it is written."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.delivery import OutboxCounts, RowKey, RowRefused, Settlement
from agent.uplink.intake import Intake, PutOff


@dataclass(slots=True)
class Outcomes:
    """`blamed` rows were alone in flight when the connection broke; with the reason.

    `server_rows` is the highest count that the server gave with these answers.
    """

    acknowledged: list[RowKey] = field(default_factory=list)
    refused: list[RowRefused] = field(default_factory=list)
    put_off: list[PutOff] = field(default_factory=list)
    blamed: list[tuple[RowKey, str]] = field(default_factory=list)
    server_rows: int | None = None

    def __bool__(self) -> bool:
        return bool(self.acknowledged or self.refused or self.put_off or self.blamed)

    def heard(self, server_rows: int | None) -> None:
        """What the server said it holds by now."""
        if server_rows is not None:
            self.server_rows = max(server_rows, self.server_rows or 0)

    def settled(self) -> list[RowKey]:
        """The rows that are done with."""
        return [*self.acknowledged, *(refused.key for refused in self.refused)]

    def write(self, intake: Intake) -> OutboxCounts:
        """Flags the rows in one transaction; the books after it. In the sender's thread."""
        intake.put_off(self.put_off)
        for key, error in self.blamed:
            intake.note_failure(key, error, delay_s=0.0)
        return intake.settle(
            Settlement(
                acknowledged=self.acknowledged,
                refused=self.refused,
                server_rows=self.server_rows,
            )
        )

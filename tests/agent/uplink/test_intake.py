"""What is taken next out of a real database, and when more is looked for."""

from __future__ import annotations

from pathlib import Path

from agent.delivery import RowKey
from agent.outbox.sending import SendingStore
from agent.uplink.intake import SCAN_WHILE_OUT, Batch, Intake, PutOff
from agent.uplink.message import V1Encoder
from tests.agent.outbox.ends import opened
from wire.rows import Table


def taken(intake: Intake, now_s: float) -> Batch:
    """As a sender of its own process takes: nobody tells it of commits."""
    return intake.take(
        rows=10_000, size_bytes=10_000_000, max_row_bytes=1_000_000, woken=False, now_s=now_s
    )


def test_fresh_rows_are_found_while_thousands_are_put_off(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        for number in range(SCAN_WHILE_OUT + 1):
            outbox.record_health(component="disk", status="PASS", message=str(number))
        store: SendingStore = outbox.sending()
        intake = Intake(store, V1Encoder(), put_off={}, check_interval_s=5.0, now_s=0.0)
        refused = taken(intake, 0.0).rows
        assert len(refused) == SCAN_WHILE_OUT + 1
        intake.put_off(PutOff(1_000.0, row.key) for row in refused)
        outbox.record_health(component="disk", status="FAIL", message="fresh")
        fresh = taken(intake, 6.0).rows
        assert [row.key for row in fresh] == [RowKey(Table.HEALTH_MONITOR, SCAN_WHILE_OUT + 2)]
        assert taken(intake, 12.0).rows == []
        store.close()

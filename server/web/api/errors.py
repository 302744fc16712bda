"""The route of errors: what went wrong in the server, by code, and the latest reports whole."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from server.accounts.permissions import Permission
from server.web.api.section import Section
from server.web.security.demands import requires
from telemetry.error_book import KEPT, ErrorBook, ErrorSummary
from telemetry.error_report import Severity


def errors_router(book: ErrorBook) -> Section:
    router = Section(prefix="/api/v1/errors", tags=["errors"])

    @router.get("", dependencies=[requires(Permission.SEE_SERVER)])
    def errors(
        limit: Annotated[int, Query(ge=1, le=KEPT)] = 50,
        code: str | None = None,
        severity: Severity | None = None,
    ) -> ErrorSummary:
        """Counts by code since the start and of the last hour; the latest reports, also of runs
        before, with traceback and what was done. `code` and `severity` choose reports."""
        return book.summary(limit=limit, code=code, severity=severity)

    return router

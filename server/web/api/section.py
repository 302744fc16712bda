"""Routes that belong together, built once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Depends, FastAPI

from server.web.api.asked import only_known
from server.web.security.demands import AskingFirst


class Section(APIRouter):
    """Each of its routes asks what it demands first, and takes no parameter that there is not.

    FastAPI's `include_router` builds every route anew, with what the application adds: twice a
    quarter of a second of each start for a hundred of them. Nothing is added to these.
    """

    def __init__(
        self,
        *,
        prefix: str = "",
        tags: Sequence[str] = (),
        dependencies: Sequence[Any] = (),
        responses: Mapping[int | str, dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(
            route_class=AskingFirst,
            prefix=prefix,
            tags=list(tags),
            dependencies=[Depends(only_known), *dependencies],
            responses=dict(responses or {}),
        )

    def put_into(self, app: FastAPI) -> None:
        """When all of its routes are there."""
        app.router.routes.extend(self.routes)

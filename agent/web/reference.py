"""/docs: every REST path as a page of our own, since a camera may have no way to anyone else's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from agent.web.templating import rendered


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One path and method; `parameters` are (name, type, default), `example` a body as JSON."""

    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[tuple[str, str, str], ...]
    has_body: bool


def add_reference(app: FastAPI) -> None:
    @app.get("/docs", include_in_schema=False)
    def reference(request: Request) -> HTMLResponse:
        groups: dict[str, list[Operation]] = {}
        for tag, operation in operations(app.openapi()):
            groups.setdefault(tag, []).append(operation)
        return rendered(request, "reference.html", groups=groups)


def operations(schema: Mapping[str, Any]) -> Iterator[tuple[str, Operation]]:
    """With the first tag of each, in the order of the schema."""
    for path, methods in schema["paths"].items():
        for method, details in methods.items():
            operation = Operation(
                method=method.upper(),
                path=path,
                summary=details.get("summary", ""),
                description=details.get("description", "").replace("`", ""),
                parameters=tuple(_parameters(details.get("parameters", ()))),
                has_body="requestBody" in details,
            )
            yield (details.get("tags") or ["other"])[0], operation


def _parameters(found: Any) -> Iterator[tuple[str, str, str]]:
    for parameter in found:
        schema = parameter["schema"]
        default = schema.get("default", "")
        yield parameter["name"], schema.get("type", "any"), str(default)

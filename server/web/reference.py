"""/docs: the REST API to read and try, with nothing loaded from elsewhere."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import fastapi_offline
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse, HTMLResponse

from server.accounts.permissions import Permission
from server.web.security.demands import requires
from server.web.security.headers import REFERENCE_POLICY

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>API · Sightpost</title>
  <link rel="icon" href="/static/icon.svg">
  <link rel="stylesheet" href="/docs/swagger-ui.css">
  <script src="/docs/swagger-ui-bundle.js" defer></script>
  <script src="/docs/start.js" defer></script>
</head>
<body><div id="reference"></div></body>
</html>
"""
_START: Final = Path(__file__).parent / "reference.js"
_KINDS: Final = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
"""Of the files in the wheel, those that the page needs."""
_BEARER: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API token, or the access_token of POST /login.",
}


def add_reference(app: FastAPI) -> None:
    """Last of all routes: the document describes those that are there when it is asked for."""
    seeing = [requires(Permission.SEE_SERVER)]
    assets = Path(str(files(fastapi_offline))) / "static"

    @app.get("/openapi.json", dependencies=seeing, include_in_schema=False)
    def document() -> dict[str, Any]:
        found = app.openapi()
        found.setdefault("components", {})["securitySchemes"] = {"token": _BEARER}
        found["security"] = [{"token": []}]
        return found

    @app.get("/docs", dependencies=seeing, include_in_schema=False)
    def page() -> HTMLResponse:
        return HTMLResponse(_PAGE, headers={"content-security-policy": REFERENCE_POLICY})

    @app.get("/docs/{name}", dependencies=seeing, include_in_schema=False)
    def file(name: str) -> FileResponse:
        if name == "start.js":
            return FileResponse(_START, media_type="text/javascript")
        if name not in _KINDS:
            raise HTTPException(404, f"there is no /docs/{name[:80]}")
        return FileResponse(assets / name, media_type=_KINDS[name])

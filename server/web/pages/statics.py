"""Style, icons and scripts of the pages, also for the plain ones of people not known yet."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

STATIC: Final = "/static"
FOLDER: Final = Path(__file__).parent / "static"


def add_statics(app: FastAPI) -> None:
    app.mount(STATIC, StaticFiles(directory=FOLDER), name="static")

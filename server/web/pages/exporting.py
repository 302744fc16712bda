"""Taking what was searched away as a file, with progress: asked for by the browser itself."""

from __future__ import annotations

from server.web.pages.asking import Asked
from server.web.pages.tags import tag

FORMATS = (("CSV", "csv"), ("JSON", "json"))


def export_address(asked: Asked, kind: str) -> str:
    """Of the stream with everything that was asked for."""
    return asked.address("/api/v1/sightings/export", format=kind)


def export_button(asked: Asked) -> None:
    """Opens a dialog that names the formats; static/export.js does the rest."""
    opening = tag("button", text="Export", type="button")
    opening.on("click", js_handler="() => document.getElementById('export').showModal()")
    with tag("dialog", "sheet", id="export", aria_labelledby="export-heading"):
        tag("h2", text="Export", id="export-heading")
        what = "the sightings that match" if asked.is_filtered else "all sightings"
        tag("p", "soft", f"Takes {what}, without pictures. It is written to the audit log.")
        with tag("div", "progress", hidden=True):
            tag("progress", max=1)
        tag("p", "soft small number", "", role="status")
        with tag("div", "controls"):
            close = tag("button", "quiet", "Close", type="button", data_export_close=True)
            close.on("click", js_handler="() => document.getElementById('export').close()")
            for name, kind in FORMATS:
                tag(
                    "button",
                    "main",
                    name,
                    type="button",
                    data_export=export_address(asked, kind),
                )

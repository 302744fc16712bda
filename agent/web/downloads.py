"""What is fetched as a file: pictures of the spool, the CSV export, the live picture."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse, StreamingResponse

from agent.web import csv_export
from agent.web.live_stream import LiveStream
from agent.web.parts import AgentParts
from agent.web.queries import DetectionFilter
from agent.web.records import Records, Row
from agent.web.spool_files import picture_in
from agent.web.video import BOUNDARY, Video


def add_downloads(app: FastAPI, parts: AgentParts, records: Records, video: Video) -> None:
    @app.get("/download/{filename:path}", tags=["detection"], response_class=FileResponse)
    def download(filename: str) -> FileResponse:
        """A picture of a sighting, by its file name."""
        path, kind = picture_in(parts.spool, filename)
        return FileResponse(path, media_type=kind)

    @app.get("/api/export_detection_data", tags=["detection"])
    async def export_detection_data(
        search: str = "",
        date_from: str = "",
        date_to: str = "",
        sent: str = "",
        direction: str = "",
    ) -> StreamingResponse:
        """CSV of every sighting that is chosen, newest first, while it is read."""
        chosen = DetectionFilter(
            search=search, date_from=date_from, date_to=date_to, sent=sent, direction=direction
        )
        pieces = records.every_detection(chosen)
        # The first piece before the answer begins: a question that cannot be answered is told.
        first = await anext(aiter(pieces), ())
        return StreamingResponse(
            _csv(first, pieces),
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="sightings.csv"'},
        )

    @app.get("/video_feed", tags=["camera"])
    async def video_feed() -> StreamingResponse:
        """The live picture as multipart/x-mixed-replace, at most 8 frames a second."""
        video.check_room()
        return LiveStream(
            video.stream(),
            media_type=f"multipart/x-mixed-replace; boundary={BOUNDARY}",
            headers={"x-accel-buffering": "no"},  # a proxy is to pass each frame on at once
        )

    @app.get("/api/v1/picture.jpg", tags=["v1"], response_class=Response)
    async def picture() -> Response:
        """The newest frame as one JPEG."""
        return Response(await video.picture(), media_type="image/jpeg")


async def _csv(first: Sequence[Row], pieces: AsyncIterator[Sequence[Row]]) -> AsyncIterator[str]:
    # A byte order mark: without one, spreadsheets take UTF-8 for something else.
    yield f"\ufeff{csv_export.header()}"
    yield csv_export.rows(first)
    async for piece in pieces:
        yield csv_export.rows(piece)

"""An answer without an end that is cut off where its reader takes nothing: a stalled viewer would
keep its place from others for ever."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from fastapi.responses import StreamingResponse
from starlette.types import Message, Send

TAKEN_WITHIN_S: Final = 10.0

log = structlog.get_logger(__name__)


class LiveStream(StreamingResponse):
    """Each part has to be taken within `taken_within_s`."""

    taken_within_s = TAKEN_WITHIN_S

    async def stream_response(self, send: Send) -> None:
        async def in_time(message: Message) -> None:
            async with asyncio.timeout(self.taken_within_s):
                await send(message)

        try:
            await super().stream_response(in_time)
        except TimeoutError:
            log.info("a viewer takes nothing and is cut off", after_s=self.taken_within_s)
        finally:
            close = getattr(self.body_iterator, "aclose", None)
            if close is not None:
                await close()

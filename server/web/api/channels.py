"""Routes of channels: where alerts are told, how that goes, and trying it."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI
from pydantic import Field

from server.accounts.permissions import Permission
from server.channels.contract import Channel, ChannelDetails, ChannelKind, Channels, Made
from server.web.api.problems import responses
from server.web.api.section import Section
from server.web.api.wanted import Wanted
from server.web.security.demands import CurrentCaller, requires

_REFUSED = responses(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


class ChannelWanted(Wanted):
    """`target`: the address of a webhook or of an ntfy topic, or mail addresses with commas.
    `token`: what ntfy asks for, never shown; left out, it stays as it is."""

    name: str = Field(examples=["control room"])
    kind: ChannelKind
    target: str = Field(examples=["https://example.org/alerts"])
    list_ids: tuple[int, ...] = ()
    is_enabled: bool = True
    token: str | None = None

    def details(self) -> ChannelDetails:
        return ChannelDetails(**self.model_dump(exclude={"token"}))


def add_channels(app: FastAPI, channels: Channels) -> None:
    """All routes of channels; each asks for its permission."""
    _router(channels).put_into(app)


def _router(channels: Channels) -> Section:
    router = Section(
        prefix="/api/v1/channels",
        tags=["channels"],
        dependencies=[requires(Permission.MANAGE_CHANNELS)],
        responses=_REFUSED,
    )

    @router.get("")
    async def listed() -> tuple[Channel, ...]:
        """All channels, with what waits and what went wrong last."""
        return await channels.channels()

    @router.post("", status_code=HTTPStatus.CREATED)
    async def make(wanted: ChannelWanted, caller: CurrentCaller) -> Made:
        """A new channel. The secret by which a webhook is signed is shown here, once. Audited."""
        return await channels.make(caller, wanted.details(), wanted.token or "")

    @router.put("/{channel_id}")
    async def change(channel_id: int, wanted: ChannelWanted, caller: CurrentCaller) -> Channel:
        """All details of a channel. Audited."""
        return await channels.change(caller, channel_id, wanted.details(), wanted.token)

    @router.post("/{channel_id}/secret")
    async def new_secret(channel_id: int, caller: CurrentCaller) -> Made:
        """Another secret for a webhook; the old one ends at once. Audited."""
        return await channels.new_secret(caller, channel_id)

    @router.delete("/{channel_id}", status_code=HTTPStatus.NO_CONTENT)
    async def drop(channel_id: int, caller: CurrentCaller) -> None:
        """Deletes a channel with what waits there. Audited."""
        await channels.drop(caller, channel_id)

    @router.post("/{channel_id}/test", status_code=HTTPStatus.NO_CONTENT)
    async def attempt(channel_id: int, caller: CurrentCaller) -> None:
        """Tells a made-up alert at once; 502 where it was not taken, with why. Audited."""
        await channels.attempt(caller, channel_id)

    return router

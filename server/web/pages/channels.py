"""Channels, for administrators: where alerts are told, how that goes, and trying it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from server.accounts.permissions import Permission
from server.channels.contract import Channel, ChannelDetails, ChannelKind
from server.errors import ServerError
from server.watchlist.contract import Watchlist
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.sheets import confirming, ending, sheet
from server.web.pages.shell import Visit, complain, empty, note, page, title
from server.web.pages.tags import button, choice, field, form, link, tag

_KINDS: Final = [
    (ChannelKind.WEBHOOK.value, "webhook: a signed POST"),
    (ChannelKind.EMAIL.value, "e-mail, with the picture"),
    (ChannelKind.NTFY.value, "ntfy: to phones"),
]
_TARGETS: Final = {
    ChannelKind.WEBHOOK: "Address, such as https://example.org/alerts",
    ChannelKind.EMAIL: "Mail addresses, with commas between",
    ChannelKind.NTFY: "Address of the topic, such as https://ntfy.example.org/gate",
}
"""Of a new channel that of the chosen kind is shown, by the style sheet."""
_LABELS: Final = {"name": "Name", "target": "Address", "token": "Token", "kind": "Kind"}
"""What people read above the fields, which messages call by their own names."""
SETTLED: Final = {
    "MQTT": ("MQTT", "alerts, sightings and cameras (SERVER_MQTT_URL)"),
    "stream sightings": ("Posts", "sightings in a stream (SERVER_STREAM_URL)"),
}
"""Parts of the server by their names, and what they tell; they are no channels: settings begin and
end them."""
_YES_NO: Final = [("yes", "yes"), ("", "no")]


def add_channels(centre: Centre) -> None:
    @page(centre, "/channels", title="Channels", permission=Permission.MANAGE_CHANNELS)
    async def channels(visit: Visit) -> None:
        await _Channels(centre, visit, await centre.watchlists.lists()).show()


class _Channels:
    """The list, shown anew after each change."""

    def __init__(self, centre: Centre, visit: Visit, lists: tuple[Watchlist, ...]) -> None:
        self._centre = centre
        self._visit = visit
        self._lists = {each.id: each.details.name for each in lists}
        with title("Channels"), tag("div", "end"):
            link("Alerts", "/alerts", "button")
            button("New channel", lambda: self._editing(None), "main")
        self._place = tag("div", "stack")

    async def show(self) -> None:
        channels = await self._centre.channels.channels()
        self._place.clear()
        with self._place:
            if channels:
                self._table(channels)
            else:
                empty("No channel yet", "Alerts are told on the pages, and where settings say.")
            self._settled()

    def _settled(self) -> None:
        """What the settings of the server begin and end, not this page."""
        parts = self._centre.troubles.of_each()
        others = [(*said, parts[name]) for name, said in SETTLED.items() if name in parts]
        if not others:
            return
        with tag("section", "card", aria_label="By the server's settings"):
            tag("h2", text="By the server's settings")
            with tag("dl"):
                for name, told, trouble in others:
                    level, state = ("good", "works") if trouble is None else ("bad", "waits")
                    tag("dt", text=name)
                    with tag("dd", "break"):
                        tag("span", "tag state", state, data_level=level)
                        tag("span", "soft", f" {told}")
                        if trouble is not None:
                            with tag("div"):
                                tag("small", "problem break", trouble)

    def _table(self, channels: tuple[Channel, ...]) -> None:
        with tag("section", "card flush scroll", aria_label="Channels"), tag("table", "stacks"):
            with tag("thead"), tag("tr"):
                for name in ("State", "Name", "Lists", "Waiting", "Last", ""):
                    tag("th", "number" if name == "Waiting" else "", name)
            with tag("tbody"):
                for channel in channels:
                    self._row(channel)

    def _row(self, channel: Channel) -> None:
        details, zone = channel.details, self._centre.zone
        with tag("tr", data_channel=details.name):
            with tag("td", "second"):
                word, level = state_of(channel)
                tag("span", "tag state", word, data_level=level)
            with tag("td", "first"):
                tag("span", "break", details.name)
                tag("small", "break", f"{details.kind.value}: {details.target}")
            names = [self._lists.get(each, f"list {each}") for each in details.list_ids]
            tag("td", "break", ", ".join(names) or "all", data_name="Lists")
            with tag("td", "number", data_name="Waiting"):
                tag("span", text=wording.number(channel.waiting))
                if channel.given_up:
                    tag("small", text=f"{wording.number(channel.given_up)} given up")
            with tag("td", data_name="Last"):
                tag("span", text=wording.moment(channel.last_success_at, zone))
                if channel.last_error:
                    tag("small", "problem break", channel.last_error)
            with tag("td", "whole"), tag("div", "controls flush"):
                self._actions(channel)

    def _actions(self, channel: Channel) -> None:
        caller, channels = self._visit.caller, self._centre.channels
        button(
            "Test",
            lambda: self._done(channels.attempt(caller, channel.id), "The test was taken"),
            "low",
        )
        button("Change …", lambda: self._editing(channel), "low")
        name = channel.details.name
        if channel.details.kind is ChannelKind.WEBHOOK:
            asking = confirming(
                "Another secret?",
                f"What {name} is signed with now ends at once.",
                "Make it",
                lambda: self._renew(channel),
            )
            button("Secret …", asking.open, "low quiet")
        asking = confirming(
            "Delete this channel?",
            f"{name} goes, with {wording.plural(channel.waiting, 'alert')} that wait there.",
            "Delete",
            lambda: self._done(channels.drop(caller, channel.id), f"{name} deleted"),
        )
        button("Delete", asking.open, "low quiet")

    def _editing(self, held: Channel | None) -> None:
        async def go(given: dict[str, str]) -> None:
            caller, channels = self._visit.caller, self._centre.channels
            details = _details(given, held)
            token = given.get("token", "")
            secret = None
            try:
                if held is None:
                    secret = (await channels.make(caller, details, token)).secret
                else:
                    await channels.change(caller, held.id, details, token or None)
            except ServerError as error:
                refuse(wording.in_labels(str(error), _LABELS))
                return
            dialog.close()
            await self.show()
            self._show_secret(secret)

        with self._place, sheet("Channel") as dialog, form(go, "fields"):
            self._fields(held)
            refuse = ending(dialog, "Save")
        dialog.open()

    def _fields(self, held: Channel | None) -> None:
        details = held.details if held is not None else None
        name = "" if details is None else details.name
        field("Name", "name", value=name, maxlength=100, required=True, autocomplete="off")
        if details is None:
            choice("Kind", "kind", _KINDS)
        with tag("label"):
            for kind, text in _TARGETS.items():
                if details is None:
                    tag("span", "of-kind", text, data_kind=kind.value)
                elif kind is details.kind:
                    tag("span", text=text)
            target = "" if details is None else details.target
            tag("input", name="target", value=target, required=True, autocomplete="off")
        with tag("fieldset"):
            tag("legend", "soft small", "Of these lists; none: of all")
            for number, text in self._lists.items():
                is_chosen = details is not None and number in details.list_ids
                with tag("label", "choice"):
                    tag("input", type="checkbox", name=f"list {number}", checked=is_chosen)
                    tag("span", "break", text)
        if details is None or details.kind is ChannelKind.NTFY:
            classes = "of-kind" if details is None else ""
            with tag("label", classes, data_kind=ChannelKind.NTFY.value):
                tag("span", text="Token, where ntfy asks for one")
                tag("input", name="token", type="password", autocomplete="off")
        is_on = details is None or details.is_enabled
        choice("Is in force", "is_enabled", _YES_NO, "yes" if is_on else "")

    async def _renew(self, channel: Channel) -> None:
        try:
            made = await self._centre.channels.new_secret(self._visit.caller, channel.id)
        except ServerError as error:
            complain(str(error))
            return
        self._show_secret(made.secret)

    def _show_secret(self, secret: str | None) -> None:
        if secret is None:
            return
        with self._place, sheet("The channel's secret") as shown:
            tag("p", text="Give it to the receiver now: it is not shown again.")
            tag("code", "secret", secret, id="channel-secret")
            with tag("div", "controls"):
                button("I have copied it", shown.close, "main")
        shown.props.set_bool("persistent", True)
        shown.open()

    async def _done(self, change: Awaitable[object], said: str) -> None:
        try:
            await change
            note(said)
        except ServerError as error:
            complain(str(error))
        await self.show()


def state_of(channel: Channel) -> tuple[str, str | None]:
    """In a word, with its level."""
    if not channel.details.is_enabled:
        return "off", None
    if channel.failures:
        return "failing", "bad"
    if channel.last_error:
        return "in part", "warn"
    return ("works", "good") if channel.last_success_at is not None else ("untried", "warn")


def _details(given: dict[str, str], held: Channel | None) -> ChannelDetails:
    kind = ChannelKind(given.get("kind", ChannelKind.WEBHOOK.value))
    chosen = [name.removeprefix("list ") for name in given if name.startswith("list ")]
    return ChannelDetails(
        name=given.get("name", ""),
        kind=kind if held is None else held.details.kind,
        target=given.get("target", ""),
        list_ids=tuple(int(each) for each in chosen if each.isdecimal()),
        is_enabled=given.get("is_enabled", "yes") == "yes",
    )

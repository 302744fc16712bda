"""One's own account: password, and tokens for programs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from nicegui import ui

from server.accounts.contract import ApiToken
from server.accounts.permissions import SCOPES, Permission
from server.errors import ServerError
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.sheets import confirming, sheet
from server.web.pages.shell import Visit, complain, note, page, title
from server.web.pages.tags import button, choice, field, form, tag

LIFETIMES: Final = [("30", "30 days"), ("365", "a year"), ("", "no end")]


def add_account(centre: Centre) -> None:
    @page(centre, "/account", title="Account", permission=Permission.OWN_ACCOUNT)
    async def account(visit: Visit) -> None:
        caller = visit.caller
        role = "" if caller.role is None else caller.role.value
        title("Account", soft=f"{caller.name} · {role}")
        with tag("div", "split"):
            await _Tokens(centre, visit).show()
            _password(centre, visit)


def _password(centre: Centre, visit: Visit) -> None:
    async def change(given: dict[str, str]) -> None:
        if given.get("new") != given.get("again"):
            complain("The new password was not written twice alike.")
            return
        try:
            await centre.accounts.change_own_password(
                visit.caller, given.get("old", ""), given.get("new", "")
            )
        except ServerError as error:
            complain(str(error))
            return
        note("Password changed; your other sessions have ended")
        ui.navigate.reload()

    with tag("section", "card", aria_label="Password"):
        with tag("header"):
            tag("h2", text="Password")
        with form(change, "fields"):
            for label, name, complete in (
                ("Present password", "old", "current-password"),
                ("New password", "new", "new-password"),
                ("New password again", "again", "new-password"),
            ):
                field(label, name, type="password", autocomplete=complete, required=True)
            tag("button", text="Change", type="submit")


class _Tokens:
    """The list of tokens, and making one: it is shown once."""

    def __init__(self, centre: Centre, visit: Visit) -> None:
        self._centre = centre
        self._visit = visit
        with tag("section", "card flush", aria_label="API tokens"):
            with tag("header"):
                tag("h2", text="API tokens")
                making = self._making()
                button("New token", making.open)
            tag(
                "p",
                "soft",
                "For programs that ask this centre: sent as “Authorization: Bearer TOKEN”.",
            ).style("padding: 0 20px 12px")
            self._place = tag("div")

    async def show(self) -> None:
        tokens = await self._centre.accounts.list_tokens(self._visit.caller.user_id)
        self._place.clear()
        with self._place:
            if not tokens:
                tag("p", "empty", "You have made none.")
                return
            token_table(self._centre, tokens, self._revoke)

    def _making(self) -> ui.dialog:
        usable = [scope for scope in Permission if scope in SCOPES & self._visit.caller.permissions]
        with sheet("New token") as dialog, form(self._make, "fields"):
            field("Name", "name", placeholder="what it is for", required=True, maxlength=64)
            with tag("fieldset"):
                tag("legend", "soft small", "It may")
                for scope in usable:
                    with tag("label", "choice"):
                        tag("input", type="checkbox", name=scope.value)
                        tag("span", text=scope.meaning)
            choice("It ends after", "days", LIFETIMES, "365")
            with tag("div", "controls"):
                button("Cancel", dialog.close, "quiet")
                tag("button", "main", "Make", type="submit")
        self._dialog = dialog
        return dialog

    async def _make(self, given: dict[str, str]) -> None:
        scopes = frozenset(scope for scope in SCOPES if scope.value in given)
        days = given.get("days", "")
        ends = self._centre.now() + timedelta(days=int(days)) if days.isdigit() else None
        try:
            token = await self._centre.accounts.make_token(
                self._visit.caller, given.get("name", "").strip(), scopes, ends
            )
            await self.show()
        except ServerError as error:
            complain(str(error))
            return
        self._dialog.close()
        with self._place, sheet("Your new token") as shown:
            tag("p", text="Copy it now: it is not shown again, and cannot be found out later.")
            tag("code", "secret", token, id="new-token")
            with tag("div", "controls"):
                button("I have copied it", shown.close, "main")
        shown.props.set_bool("persistent", True)
        shown.open()

    async def _revoke(self, token: ApiToken) -> None:
        try:
            await self._centre.accounts.revoke_token(self._visit.caller, token.id)
            note(f"Token {token.name} revoked")
            await self.show()
        except ServerError as error:
            complain(str(error))


def token_table(
    centre: Centre, tokens: Sequence[ApiToken], revoke: Callable[[ApiToken], Awaitable[object]]
) -> None:
    """With a button that ends each that is good still."""
    with tag("div", "scroll"), tag("table", "stacks"):
        with tag("thead"), tag("tr"):
            for name in ("Name", "May", "Last used", "Ends", ""):
                tag("th", "number nowrap" if name in ("Last used", "Ends") else "", name)
        with tag("tbody"):
            for token in tokens:
                _token(centre, token, revoke)


def _token(
    centre: Centre, token: ApiToken, revoke: Callable[[ApiToken], Awaitable[object]]
) -> None:
    now, zone = centre.now(), centre.zone
    is_over = token.revoked_at is not None or (
        token.expires_at is not None and token.expires_at <= now
    )
    with tag("tr"):
        with tag("td", "first"):
            tag("span", "break", token.name)
            tag("small", "nowrap", f"made {wording.moment(token.created_at, zone)[:10]}")
        scopes = ", ".join(sorted(scope.value for scope in token.scopes))
        tag("td", "soft small break whole", scopes)
        used = "never" if token.last_used_at is None else wording.age(token.last_used_at, now)
        tag("td", "number soft nowrap", used, data_name="Last used")
        ends = "–" if token.expires_at is None else wording.moment(token.expires_at, zone)[:10]
        tag("td", "number soft nowrap", ends, data_name="Ends")
        with tag("td", "second"):
            if is_over:
                tag("span", "tag", "revoked" if token.revoked_at else "ended")
                return
            dialog = confirming(
                "Revoke this token?",
                f"Programs that use {token.name} get no answer from then on.",
                "Revoke",
                lambda: revoke(token),
            )
            button("Revoke", dialog.open, "low")

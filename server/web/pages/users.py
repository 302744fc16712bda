"""Accounts, for administrators: approve, give a role, disable, make."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from server.accounts.contract import Standing, User
from server.accounts.permissions import Permission, Role
from server.errors import ServerError
from server.web.pages import wording
from server.web.pages.account import token_table
from server.web.pages.centre import Centre
from server.web.pages.sheets import confirming, sheet
from server.web.pages.shell import Visit, complain, note, page, title
from server.web.pages.tags import button, choice, field, form, tag

ROLES: Final = [(role.value, role.value) for role in Role]
_LEVELS: Final = {Standing.PENDING: "warn", Standing.ACTIVE: "good", Standing.DISABLED: None}


def add_users(centre: Centre) -> None:
    @page(centre, "/users", title="Users", permission=Permission.MANAGE_ACCOUNTS)
    async def users(visit: Visit) -> None:
        await _Users(centre, visit).show()


def is_last_admin(user: User, users: Sequence[User]) -> bool:
    """Who cannot be disabled: nobody could manage accounts any more."""
    admins = [
        each.id for each in users if each.role is Role.ADMIN and each.standing is Standing.ACTIVE
    ]
    return admins == [user.id]


class _Users:
    """The list, shown anew after each change."""

    def __init__(self, centre: Centre, visit: Visit) -> None:
        self._centre = centre
        self._accounts = centre.accounts
        self._visit = visit
        with title("Users"), tag("div", "end"):
            button("New user", self._making, "main")
        self._place = tag("div", "stack")

    async def show(self) -> None:
        users = await self._accounts.list_users()
        tokens = await self._accounts.list_tokens()
        self._place.clear()
        with self._place:
            self._table(users)
            if tokens:
                with tag("section", "card flush", aria_label="Everybody's tokens"):
                    with tag("header"):
                        tag("h2", text="Everybody's tokens")
                    token_table(
                        self._centre,
                        tokens,
                        lambda token: self._change(
                            self._accounts.revoke_token(self._visit.caller, token.id),
                            f"Token {token.name} revoked",
                        ),
                    )

    def _table(self, users: Sequence[User]) -> None:
        with tag("section", "card flush scroll", aria_label="Accounts"), tag("table", "stacks"):
            with tag("thead"), tag("tr"):
                for name in ("State", "Name", "Role", "Signed in", ""):
                    tag("th", "number" if name == "Signed in" else "", name)
            with tag("tbody"):
                for user in users:
                    self._row(user, may_go=not is_last_admin(user, users))

    def _row(self, user: User, *, may_go: bool) -> None:
        now = self._centre.now()
        with tag("tr", data_user=user.name):
            with tag("td", "second"):
                tag("span", "tag state", user.standing.value, data_level=_LEVELS[user.standing])
            with tag("td", "first"):
                tag("span", "break", user.name)
                if user.full_name:
                    tag("small", text=user.full_name)
            tag("td", "", user.role.value, data_name="Role")
            last = user.last_sign_in_at
            used = "never" if last is None else f"{wording.age(last, now)} ago"
            tag("td", "number soft nowrap", used, data_name="Signed in")
            with tag("td", "whole"), tag("div", "controls flush"):
                self._actions(user, may_go=may_go)

    def _actions(self, user: User, *, may_go: bool) -> None:
        caller, accounts = self._visit.caller, self._accounts
        if user.standing is Standing.PENDING:
            button("Approve …", lambda: self._approving(user), "low main")
            self._asking(
                *("Reject", f"The request of {user.name} is deleted."),
                lambda: self._change(accounts.reject(caller, user.id), f"{user.name} rejected"),
            )
            return
        button("Role …", lambda: self._approving(user), "low")
        button("Password …", lambda: self._setting_password(user), "low")
        if user.standing is Standing.ACTIVE:
            if not may_go or user.id == caller.user_id:
                return
            self._asking(
                *(
                    "Disable",
                    f"{user.name} is signed out within seconds and stays out until enabled.",
                ),
                lambda: self._change(
                    accounts.set_standing(caller, user.id, Standing.DISABLED),
                    f"{user.name} disabled",
                ),
            )
        else:
            enabled = f"{user.name} enabled"
            button(
                "Enable",
                lambda: self._change(
                    accounts.set_standing(caller, user.id, Standing.ACTIVE), enabled
                ),
                "low",
            )

    def _asking(self, what: str, text: str, confirmed: Callable[[], Awaitable[object]]) -> None:
        button(what, confirming(f"{what}?", text, what, confirmed).open, "low")

    def _approving(self, user: User) -> None:
        is_new = user.standing is Standing.PENDING

        async def go(given: dict[str, str]) -> None:
            role = Role(given.get("role", user.role.value))
            caller = self._visit.caller
            change = (
                self._accounts.set_standing(caller, user.id, Standing.ACTIVE, role)
                if is_new
                else self._accounts.set_role(caller, user.id, role)
            )
            dialog.close()
            await self._change(change, f"{user.name} is {role.value} now")

        heading = f"Approve {user.name}" if is_new else f"Role of {user.name}"
        with self._place, sheet(heading) as dialog, form(go, "fields"):
            choice("Role", "role", ROLES, user.role.value)
            with tag("div", "controls"):
                button("Cancel", dialog.close, "quiet")
                tag("button", "main", "Approve" if is_new else "Save", type="submit")
        dialog.open()

    def _setting_password(self, user: User) -> None:
        async def go(given: dict[str, str]) -> None:
            dialog.close()
            await self._change(
                self._accounts.set_password(self._visit.caller, user.id, given.get("password", "")),
                f"Password of {user.name} set",
            )

        with self._place, sheet(f"Password of {user.name}") as dialog, form(go, "fields"):
            field(
                *("New password", "password"),
                type="password",
                autocomplete="new-password",
                required=True,
            )
            tag("p", "soft small", "All sessions of the account end.")
            with tag("div", "controls"):
                button("Cancel", dialog.close, "quiet")
                tag("button", "main", "Set", type="submit")
        dialog.open()

    def _making(self) -> None:
        async def go(given: dict[str, str]) -> None:
            name = given.get("name", "").strip()
            making = self._accounts.make_user(
                self._visit.caller,
                name,
                given.get("password", ""),
                Role(given.get("role", Role.VIEWER.value)),
                given.get("full_name", "").strip(),
            )
            if await self._change(making, f"{name} can sign in now"):
                dialog.close()

        with self._place, sheet("New user") as dialog, form(go, "fields"):
            field("Name to sign in with", "name", maxlength=64, required=True, autocomplete="off")
            field("Full name (may be empty)", "full_name", maxlength=100, autocomplete="off")
            field(
                *("Password", "password"),
                type="password",
                autocomplete="new-password",
                required=True,
            )
            choice("Role", "role", ROLES, Role.VIEWER.value)
            with tag("div", "controls"):
                button("Cancel", dialog.close, "quiet")
                tag("button", "main", "Make", type="submit")
        dialog.open()

    async def _change(self, change: Awaitable[object], said: str) -> bool:
        """Whether it was done; the list is shown anew then."""
        try:
            await change
        except ServerError as error:
            complain(str(error))
            return False
        note(said)
        await self.show()
        return True

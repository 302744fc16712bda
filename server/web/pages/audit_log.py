"""The audit log, for administrators: who did what, when, from where."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from server.accounts.contract import Action, AuditEntry
from server.accounts.permissions import Permission
from server.errors import QuestionInvalid
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.shell import Visit, page, title
from server.web.pages.tags import choice, field, link, tag


def add_audit_log(centre: Centre) -> None:
    @page(centre, "/audit", title="Audit log", permission=Permission.SEE_AUDIT)
    async def audit(visit: Visit) -> None:
        actor, action = visit.asked("actor").strip(), visit.asked("action")
        before = visit.number("before")
        found = await centre.auditor.audit_page(
            before=before,
            actor=actor or None,
            action=_action(action),
        )
        title("Audit log")
        _filter(actor, action)
        with tag("section", "card flush", aria_label="Entries"):
            if not found.entries:
                tag("p", "empty", "Nothing of that kind was written down.")
            else:
                _entries(centre, found.entries)
        with tag("nav", "pager", aria_label="Pages of the log"):
            asked = {key: value for key, value in (("actor", actor), ("action", action)) if value}
            if before:
                link("Newest", f"/audit?{urlencode(asked)}", "button", rel="first")
            if found.next_before is not None:
                older = urlencode({**asked, "before": found.next_before})
                link("Older", f"/audit?{older}", "button", rel="next")


def _action(text: str) -> Action | None:
    try:
        return Action(text) if text else None
    except ValueError:
        raise QuestionInvalid(f"action={text}: there is no such action") from None


def _filter(actor: str, action: str) -> None:
    with tag("form", "card filter three", method="get", action="/audit", role="search"):
        field("Who", "actor", value=actor, type="search", placeholder="exact name", data_key="/")
        actions = [("", "anything"), *((one.value, one.value) for one in Action)]
        choice("Did", "action", actions, action)
        with tag("div", "filter-end"):
            tag("button", "main", "Show", type="submit")


def _entries(centre: Centre, entries: Sequence[AuditEntry]) -> None:
    with tag("div", "scroll"), tag("table", "stacks"):
        with tag("thead"), tag("tr"):
            when = f"When, {wording.zone_name(centre.zone, centre.now())}"
            for name in (when, "Who", "Did", "To what", "From"):
                tag("th", "number" if name == "From" else "", name)
        with tag("tbody"):
            for entry in entries:
                with tag("tr"):
                    when = wording.moment(entry.at, centre.zone)
                    tag("td", "number soft when whole", when)
                    tag("td", "first break", entry.actor or "nobody")
                    tag("td", "second", entry.action.value)
                    with tag("td", "break whole"):
                        tag("span", text=entry.subject)
                        if entry.detail:
                            tag("small", text=entry.detail)
                    tag("td", "number soft", entry.address, data_name="From")

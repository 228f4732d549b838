"""What happened on a ticket, as a sentence for its customer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tickets.models import Message


@dataclass(frozen=True)
class News:
    """A line in the thread: its icon, its words, and a moment the words lead up to."""

    icon: str
    text: str
    until: datetime | None = None


def sentence(message: Message, agent: str) -> News | None:
    """The line for one NEWS message, from its code; an unknown code falls back to the message's own words."""
    data: dict[str, Any] = message.data
    told = SENTENCES.get(str(data.get("code", "")))
    if told:
        return told({"agent": agent, **{key: str(value) for key, value in data.items() if value is not None}})
    return News("info", message.body) if message.body.strip() else None


def _escalated(data: dict[str, str]) -> News:
    team, minutes = data.get("team", ""), data.get("minutes", "")
    passed = _("Passed on to a person (%(team)s).") % {"team": team} if team else _("Passed on to a person.")
    if not minutes.isdecimal():
        return News("users", passed)
    usually = ngettext("Usually within %(minutes)s minute.", "Usually within %(minutes)s minutes.", int(minutes)) % {"minutes": minutes}
    return News("users", f"{passed} {usually}")


def _joined(data: dict[str, str]) -> News:
    name = data.get("name") or _("A person")
    if data.get("team"):
        return News("users", _("%(name)s (%(team)s) joined. %(agent)s is silent now.") % {**data, "name": name})
    return News("users", _("%(name)s joined. %(agent)s is silent now.") % {**data, "name": name})


def _handed_back(data: dict[str, str]) -> News:
    return News("ai", _("%(name)s handed back to %(agent)s.") % {**data, "name": data.get("name") or _("A person")})


def _resolved(data: dict[str, str]) -> News:
    return News("done", _("You marked this as solved.") if data.get("by") == "customer" else _("Marked as solved."))


def _proven(data: dict[str, str]) -> News:
    until = parse_datetime(data.get("until", ""))
    if data.get("method") == "host_signed":
        return News(
            "lock", _("It is you. Signed in with your account until") if until else _("It is you, signed in with your account."), until
        )
    return News("lock", _("It is you. Proved by email code until") if until else _("It is you. Proved by email code."), until)


def _declined(data: dict[str, str]) -> None:
    """Nothing: the card that was answered says it."""


def _rejected(data: dict[str, str]) -> News:
    return News("info", _("A teammate decided not to do this."))


def _expired(data: dict[str, str]) -> News:
    return News("clock", _("The question was open too long and is closed. Nothing was changed."))


SENTENCES: dict[str, Callable[[dict[str, str]], News | None]] = {
    "escalated": _escalated,
    "joined": _joined,
    "handed_back": _handed_back,
    "resolved": _resolved,
    "proven": _proven,
    "declined": _declined,
    "rejected": _rejected,
    "expired": _expired,
}

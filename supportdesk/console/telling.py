"""Events as the lines a thread shows between its messages. Pure: names come in, safe HTML comes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from supportdesk.console import words
from tickets.models import Priority


@dataclass(frozen=True)
class Cast:
    """The names an event may need, by id."""

    agent: str
    customer: str
    teammates: Mapping[int, str] = field(default_factory=dict)
    queues: Mapping[int, str] = field(default_factory=dict)
    calls: Mapping[str, str] = field(default_factory=dict)
    # What a teammate made of a call, by the call; the reasons of rejections and the approvals an edit answered at once, by approval.
    became: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    at_once: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Happened:
    """One event, as the log has it."""

    code: str
    actor_kind: str = "system"
    actor_id: int | None = None
    changed: Mapping[str, Any] = field(default_factory=dict)
    subject: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """What the thread shows: an icon, a sentence, and a tone where it matters."""

    icon: str
    text: SafeString
    tone: str = ""


def bold(text: str) -> SafeString:
    """A name or an act, set off from the sentence."""
    return format_html("<b>{}</b>", words.unbroken(text))


def actor(event: Happened, cast: Cast) -> str:
    """Who did it."""
    match event.actor_kind:
        case "ai":
            return cast.agent
        case "customer":
            return cast.customer
        case "teammate":
            return cast.teammates.get(event.actor_id or 0, _("A teammate"))
    return _("SupportDesk")


def line(event: Happened, cast: Cast) -> Line | None:
    """The event as a line of the thread, or None for one the thread does not tell."""
    if event.code.startswith(("call.", "confirmation.")):
        return _of_call(event, cast)
    if event.code.startswith("approval."):
        return _of_approval(event, cast)
    teller = TELLERS.get(event.code)
    return teller(event, cast) if teller else None


def _opened(event: Happened, cast: Cast) -> Line:
    return Line("inbox", format_html(_("Opened by {}"), bold(actor(event, cast))))


def _assigned(event: Happened, cast: Cast) -> Line:
    to = event.changed.get("assignee")
    if to is None:
        return Line("user", format_html(_("{} assigned it to {}"), bold(actor(event, cast)), bold(_("nobody"))))
    if event.actor_kind == "teammate" and event.actor_id == to:
        return Line("user", format_html(_("{} assigned it to themselves"), bold(actor(event, cast))))
    name = cast.teammates.get(int(to), _("a teammate"))
    return Line("user", format_html(_("{} assigned it to {}"), bold(actor(event, cast)), bold(name)))


def _escalated(event: Happened, cast: Cast) -> Line:
    why = words.reason_words(str(event.changed.get("reason", "")))
    return Line("users", format_html(_("{} passed it to the teammates: {}"), bold(actor(event, cast)), bold(why)), "warn")


def _taken_over(event: Happened, cast: Cast) -> Line:
    if event.changed.get("from") == "ai":
        return Line("hand", format_html(_("{} took over from {}"), bold(actor(event, cast)), cast.agent))
    return Line("hand", format_html(_("{} took it"), bold(actor(event, cast))))


def _handed_back(event: Happened, cast: Cast) -> Line:
    return Line("ai", format_html(_("{} handed it back to {}"), bold(actor(event, cast)), cast.agent), "ai")


def _resolved(event: Happened, cast: Cast) -> Line:
    if event.actor_kind == "system":
        return Line("check", format_html("{}", _("Resolved")), "ok")
    return Line("check", format_html(_("{} resolved it"), bold(actor(event, cast))), "ok")


def _reopened(event: Happened, cast: Cast) -> Line:
    if event.actor_kind == "customer":
        return Line("refresh", format_html(_("{} wrote again, so it is open again"), bold(actor(event, cast))))
    return Line("refresh", format_html(_("{} reopened it"), bold(actor(event, cast))))


def _routed(event: Happened, cast: Cast) -> Line:
    queue = cast.queues.get(int(event.changed.get("queue") or 0), _("another queue"))
    priority = str(Priority(event.changed["priority"]).label) if event.changed.get("priority") in Priority.values else ""
    return Line("return", format_html(_("{} moved it to {}, priority {}"), bold(actor(event, cast)), bold(queue), priority))


def _code_asked(event: Happened, cast: Cast) -> Line:
    return Line("mail", format_html("{}", _("A code was sent to the address the customer gave")))


def _code_refused(event: Happened, cast: Cast) -> Line:
    return Line("lock", format_html("{}", _("A wrong code was entered")), "warn")


def _proven(event: Happened, cast: Cast) -> Line:
    if event.changed.get("method") == "host_signed":
        return Line("lock", format_html("{}", _("Signed in on your site")), "ok")
    return Line("lock", format_html(_("Identity proved by {}"), bold(_("email code"))), "ok")


def _access_ended(event: Happened, cast: Cast) -> Line:
    return Line("out", format_html(_("{} ended the customer's access"), bold(actor(event, cast))), "warn")


def _left(event: Happened, cast: Cast) -> Line:
    return Line("out", format_html("{}", _("The customer left the chat on their device")))


def _session_ended(event: Happened, cast: Cast) -> Line:
    return Line("out", format_html("{}", _("Somebody else began a conversation on the same device")))


def _run_failed(event: Happened, cast: Cast) -> Line:
    return Line("alert", format_html(_("{} could not finish this turn"), bold(cast.agent)), "bad")


def _file_added(event: Happened, cast: Cast) -> Line:
    return Line("clip", format_html(_("{} added a file"), bold(actor(event, cast))))


Teller = Callable[[Happened, Cast], Line]
TELLERS: dict[str, Teller] = {
    "ticket.opened": _opened,
    "ticket.assigned": _assigned,
    "ticket.escalated": _escalated,
    "ticket.taken_over": _taken_over,
    "ticket.handed_back": _handed_back,
    "ticket.resolved": _resolved,
    "ticket.reopened": _reopened,
    "ticket.routed": _routed,
    "identity.code_asked": _code_asked,
    "identity.code_refused": _code_refused,
    "identity.proven": _proven,
    "customer.access_ended": _access_ended,
    "chat.left": _left,
    "chat.session_ended": _session_ended,
    "run.failed": _run_failed,
    "file.added": _file_added,
}

# Event codes of calls: icon, sentence with the act (and who, where somebody answered), tone.
CALLS: dict[str, tuple[str, str | Promise, str]] = {
    "call.proposed": ("rules", gettext_lazy("{agent} proposed: {act}"), ""),
    "call.denied": ("rules", gettext_lazy("A rule denied: {act}"), "bad"),
    "call.confirmed": ("check", gettext_lazy("{who} confirmed: {act}"), ""),
    "call.declined": ("x", gettext_lazy("{who} declined: {act}"), ""),
    "call.expired": ("clock", gettext_lazy("Nobody confirmed in time: {act}"), "warn"),
    "call.approved": ("approve", gettext_lazy("The rules allow: {act}"), ""),
    "call.needs_identity": ("lock", gettext_lazy("{agent} needs proof of identity first: {act}"), ""),
    "call.executing": ("refresh", gettext_lazy("Under way: {act}"), ""),
    "call.succeeded": ("receipt", gettext_lazy("Done: {act}{reference}"), "ok"),
    "call.failed": ("alert", gettext_lazy("Refused by the shop: {act}"), "bad"),
    "call.refused": ("alert", gettext_lazy("Refused by the shop: {act}"), "bad"),
    "call.unknown": ("alert", gettext_lazy("Outcome unknown: {act}. A person decides."), "bad"),
    "call.reconciled": ("refresh", gettext_lazy("The shop was asked again: {act}"), ""),
    "call.cancelled": ("x", gettext_lazy("Cancelled: {act}"), ""),
    "call.voided": ("x", gettext_lazy("Void, because something changed: {act}"), "warn"),
    "call.sent_back": ("refresh", gettext_lazy("Sent back, the facts changed: {act}"), "warn"),
}

# Event codes of approvals; `{became}` is what an edit made of it.
APPROVALS: dict[str, tuple[str, str | Promise, str]] = {
    "approval.asked": ("users", gettext_lazy("Waits for a decision: {act}"), "warn"),
    "approval.approved": ("approve", gettext_lazy("{who} approved: {act}"), "ok"),
    "approval.edited": ("note", gettext_lazy("{who} changed “{act}” to “{became}”"), ""),
    "approval.rejected": ("x", gettext_lazy("{who} rejected: {act}{reason}"), "bad"),
    "approval.expired": ("clock", gettext_lazy("Nobody decided in time: {act}"), "warn"),
    "approval.void": ("alert", gettext_lazy("No decision any more, something changed: {act}"), "warn"),
}


def _of_call(event: Happened, cast: Cast) -> Line | None:
    code = "call." + event.code.partition(".")[2]
    told = CALLS.get(code)
    call = str(event.subject.get("call", ""))
    # What a teammate made of a call is told by their decision, not as an act of the rules.
    if told is None or call not in cast.calls or (code == "call.approved" and event.actor_kind == "teammate"):
        return None
    icon, sentence, tone = told
    reference = event.subject.get("reference") or event.changed.get("reference") or ""
    more = format_html(_(", reference {}"), bold(reference)) if reference else ""
    text = format_html(str(sentence), agent=bold(cast.agent), who=bold(actor(event, cast)), act=bold(cast.calls[call]), reference=more)
    return Line(icon, text, tone)


def _of_approval(event: Happened, cast: Cast) -> Line | None:
    told = APPROVALS.get(event.code)
    call, approval = str(event.subject.get("call", "")), str(event.subject.get("approval", ""))
    # A teammate who made it smaller decided it with the same click: nobody was asked in between.
    if told is None or call not in cast.calls or (approval in cast.at_once and event.code == "approval.asked"):
        return None
    icon, sentence, tone = told
    became, reason = cast.became.get(call, _("something else")), cast.reasons.get(approval, "")
    why = format_html(" ({})", reason) if reason else ""
    text = format_html(str(sentence), who=bold(actor(event, cast)), act=bold(cast.calls[call]), became=bold(became), reason=why)
    return Line(icon, text, tone)

"""Events, verdicts, calls and outcomes as sentences a support lead would say. Pure: names come in, safe HTML comes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.facts import CATALOGUE
from supportdesk.core.money import amount_text
from tickets.models import Priority, Reason


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


def bold(text: object) -> SafeString:
    """A name or an act, set off from the sentence."""
    return format_html("<b>{}</b>", text)


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
    why = reason_words(str(event.changed.get("reason", "")))
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
    priority = _label(Priority, event.changed.get("priority"))
    return Line("return", format_html(_("{} moved it to {}, priority {}"), bold(actor(event, cast)), bold(queue), priority))


def _code_asked(event: Happened, cast: Cast) -> Line:
    return Line("mail", format_html("{}", _("A code was sent to the address the customer gave")))


def _code_refused(event: Happened, cast: Cast) -> Line:
    return Line("lock", format_html("{}", _("A wrong code was entered")), "warn")


def _proven(event: Happened, cast: Cast) -> Line:
    return Line("lock", format_html(_("Identity proved by {}"), bold(_("email code"))), "ok")


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


def reason_words(reason: str) -> str:
    """Why a ticket went to a human."""
    return _label(Reason, reason) or reason.replace("_", " ")


def _label(choices: Any, value: Any) -> str:
    return str(choices(value).label) if value in choices.values else ""


ACTS: dict[str, str | Promise] = {
    "create_refund": gettext_lazy("refund {amount} on order {target}"),
    "cancel_order": gettext_lazy("cancel order {target}"),
    "change_address": gettext_lazy("change the delivery address of order {target}"),
    "cancel_subscription": gettext_lazy("end subscription {target}"),
    "get_order": gettext_lazy("look up order {target}"),
    "find_orders": gettext_lazy("look up the customer’s orders"),
    "find_subscriptions": gettext_lazy("look up the customer’s subscriptions"),
    "search_knowledge": gettext_lazy("search the help centre"),
    "escalate": gettext_lazy("pass the ticket to a person"),
    "resolve": gettext_lazy("resolve the ticket"),
}
TARGETS = ("order_number", "subscription_id")
VERBS: dict[str, str | Promise] = {
    "create_refund": gettext_lazy("refund"),
    "cancel_order": gettext_lazy("cancel an order"),
    "change_address": gettext_lazy("change an address"),
    "cancel_subscription": gettext_lazy("end a subscription"),
    "get_order": gettext_lazy("look up an order"),
}


def verb(tool: str) -> str:
    """What a tool does, without saying to what: refund, look up an order."""
    return str(VERBS.get(tool) or ACTS.get(tool) or tool.replace("_", " "))


def act(tool: str, arguments: Mapping[str, Any], *, amount: int | None = None, currency: str = "", target: str = "") -> str:
    """What a call does, in words: refund €64.00 on order N-20377."""
    known = ACTS.get(tool)
    named = target or next((str(arguments[name]) for name in TARGETS if arguments.get(name)), "")
    if known is None:
        return f"{tool.replace('_', ' ')} {named}".strip()
    amount = amount if amount is not None else arguments.get("amount")
    currency = currency or str(arguments.get("currency") or "")
    money = amount_text(amount, currency) if isinstance(amount, int) and currency else _("all that is left")
    return str(known).format(amount=money, target=named or "?")


def act_of(call: Any) -> str:
    """What a stored call does, in words."""
    return act(call.tool, call.arguments, amount=call.amount, currency=call.currency, target=call.target)


# What a card is headed with, and what its one button does: the act and its amount.
TITLES: dict[str, str | Promise] = {
    "create_refund": gettext_lazy("Refund for order {target}"),
    "cancel_order": gettext_lazy("Cancel order {target}"),
    "change_address": gettext_lazy("New delivery address for order {target}"),
    "cancel_subscription": gettext_lazy("End subscription {target}"),
}
GO: dict[str, str | Promise] = {
    "create_refund": gettext_lazy("Approve {amount}"),
    "cancel_order": gettext_lazy("Approve cancelling {target}"),
    "change_address": gettext_lazy("Approve the new address"),
    "cancel_subscription": gettext_lazy("Approve ending {target}"),
}


def ask_title(call: Any) -> str:
    """The title of an approval: Refund for order N-20418."""
    known = TITLES.get(call.tool)
    said = act_of(call)
    return str(known).format(target=call.target or "?") if known else said[:1].upper() + said[1:]


def go_words(call: Any) -> str:
    """What approving does: Approve €189.00."""
    known = GO.get(call.tool)
    if known is None:
        return _("Approve: %(act)s") % {"act": act_of(call)}
    amount = amount_text(call.amount, call.currency) if call.amount is not None and call.currency else ""
    return str(known).format(amount=amount, target=call.target or "?")


EXTRA_FACTS = {"used.amount": gettext_lazy("used so far"), "used.count": gettext_lazy("times so far"), "scope": gettext_lazy("counted per")}


def fact(name: str, value: Any) -> str:
    """One fact as a support lead would say it: days since delivery: 12."""
    return f"{fact_name(name)}: {plain(value)}"


def fact_name(name: str) -> str:
    """A fact by its words: days since delivery."""
    return CATALOGUE[name].words.partition(" (")[0] if name in CATALOGUE else str(EXTRA_FACTS.get(name, name))


def plain(value: Any) -> str:
    """A recorded value as text: money with its currency, yes and no, lists with commas."""
    if isinstance(value, Mapping) and {"amount", "currency"} <= set(value) and isinstance(value["amount"], int):
        return amount_text(value["amount"], str(value["currency"]))
    if value is None:
        return _("not known")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | tuple):
        return ", ".join(plain(each) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {plain(each)}" for name, each in value.items())
    return str(value)


# Verdicts as every screen says them: words, tone, icon.
VERDICTS: dict[str, tuple[str | Promise, str, str]] = {
    "allow": (gettext_lazy("Allow"), "ok", "check"),
    "need_confirmation": (gettext_lazy("Ask the customer"), "warn", "user"),
    "need_identity": (gettext_lazy("Prove identity first"), "warn", "lock"),
    "ask": (gettext_lazy("Ask a teammate"), "warn", "users"),
    "deny": (gettext_lazy("Deny"), "bad", "x"),
    "satisfied": (gettext_lazy("Holds"), "", ""),
}

# States of a call: words, tone.
STATES: dict[str, tuple[str | Promise, str]] = {
    "read": (gettext_lazy("Read"), "ok"),
    "denied": (gettext_lazy("Denied by a rule"), "bad"),
    "needs_identity": (gettext_lazy("Waits for proof of identity"), "warn"),
    "needs_confirmation": (gettext_lazy("Waits for the customer’s yes"), "warn"),
    "waiting": (gettext_lazy("Waits for a teammate"), "warn"),
    "approved": (gettext_lazy("Agreed, about to be done"), "info"),
    "executing": (gettext_lazy("Being done now"), "info"),
    "succeeded": (gettext_lazy("Done"), "ok"),
    "failed": (gettext_lazy("Refused by the shop"), "bad"),
    "unknown": (gettext_lazy("Outcome unknown, a person decides"), "bad"),
    "rejected": (gettext_lazy("Rejected by a teammate"), "bad"),
    "cancelled": (gettext_lazy("Cancelled"), ""),
}

OUTCOMES: dict[str, tuple[str | Promise, str]] = {
    "reply": (gettext_lazy("Replied"), "ok"),
    "need_confirmation": (gettext_lazy("Asked the customer to confirm"), "warn"),
    "need_identity": (gettext_lazy("Asked the customer for proof of identity"), "warn"),
    "waiting": (gettext_lazy("Waits for a teammate"), "warn"),
    "escalate": (gettext_lazy("Passed to a person"), "warn"),
    "resolve": (gettext_lazy("Resolved"), "ok"),
}

IDENTITIES: dict[str, str | Promise] = {
    "none": gettext_lazy("Not proved"),
    "claimed": gettext_lazy("Address given, not proved"),
    "proven": gettext_lazy("Email code"),
}

LANGUAGES: dict[str, str | Promise] = {
    "en": gettext_lazy("English"),
    "de": gettext_lazy("German"),
    "es": gettext_lazy("Spanish"),
    "fr": gettext_lazy("French"),
    "ar": gettext_lazy("Arabic"),
    "nl": gettext_lazy("Dutch"),
    "sv": gettext_lazy("Swedish"),
    "it": gettext_lazy("Italian"),
    "pt": gettext_lazy("Portuguese"),
}

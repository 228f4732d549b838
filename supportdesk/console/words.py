"""Acts, facts, verdicts and states as a support lead would say them. Pure: rows and codes come in, words come out."""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.facts import CATALOGUE
from supportdesk.core.money import amount_text
from tickets.models import Reason

# An order's or a subscription's number, as shops write them: N-20418.
NUMBER = re.compile(r"\b[A-Z]{1,4}-\d{2,}\b")


def unbroken(text: str) -> SafeString:
    """The text as HTML, with each number of an order kept on one line."""
    return SafeString(NUMBER.sub(lambda found: format_html('<span class="unbroken">{}</span>', found[0]), conditional_escape(text)))


def reason_words(reason: str) -> str:
    """Why a ticket went to a human."""
    return str(Reason(reason).label) if reason in Reason.values else reason.replace("_", " ")


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
# How a proof came about, where it was not a code.
METHODS: dict[str, str | Promise] = {"host_signed": gettext_lazy("Signed in on your site"), "vouched": gettext_lazy("Vouched for")}

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

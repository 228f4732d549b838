"""The typed facts rules see, computed from rows and from the connected system; what nobody could determine is None."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from agents.actions import ledger
from agents.actions.authority import Authority
from agents.actions.models import State, ToolCall
from agents.actions.tools import Tool
from policies.facts import CATALOGUE, FactValue
from supportdesk.core.money import amount_text

EVIDENCE = frozenset(
    {
        *("number", "id", "name", "status", "captured", "refunded", "currency", "placed_at", "shipped_at", "delivered_at"),
        *("items", "payment", "shipping_address", "interval", "price"),
    }
)


@dataclass
class Seen:
    """What was looked up for one call: the facts, what it acts on, and the object itself."""

    facts: dict[str, FactValue]
    arguments: dict[str, Any]
    target: str = ""
    target_version: str = ""
    thing: dict[str, Any] | None = None
    is_missing: bool = False
    refusal: str = ""
    refusal_code: str = ""
    amount: int | None = None
    currency: str = ""

    def refused(self, language: str) -> dict[str, Any]:
        """The refusal for machines: its code, and how much is left, as it is written in the language."""
        left = self.facts.get("order.remaining")
        if not isinstance(left, dict):
            return {"code": self.refusal_code}
        return {"code": self.refusal_code, "left": {**left, "amount_text": amount_text(left["amount"], left["currency"], language)}}

    @property
    def before(self) -> dict[str, Any]:
        """What the call acts on as it is now, as evidence for whoever decides."""
        return {name: value for name, value in (self.thing or {}).items() if name in EVIDENCE}


def look(tool: Tool, arguments: dict[str, Any], authority: Authority) -> Seen:
    """Compute the facts of one wanted call; without a proven identity nothing is looked up.

    Raises:
        Unavailable, NotConnected: when the system does not answer.
    """
    ticket = authority.ticket
    facts: dict[str, FactValue] = dict.fromkeys(CATALOGUE, None)
    facts |= {
        "tool.kind": tool.kind,
        "identity.level": authority.level.value,
        "session.confirmed": False,
        "channel.kind": ticket.channel.kind,
        "ticket.environment": ticket.environment,
        "account.is_own": True,
        "call.done_before": False,
    }
    seen = Seen(facts=facts, arguments=arguments)
    if not authority.customer:
        seen.target = str(arguments.get("order_number") or arguments.get("subscription_id") or "")
        return seen
    if "order_number" in arguments:
        _see_order(seen, authority)
        if tool.name == "create_refund" and seen.thing:
            _see_refund(seen)
    elif "subscription_id" in arguments:
        _see_subscription(seen, authority)
    if tool.is_write:
        # Asked only now: the refund's amount was made explicit above, and the same act has the same hash.
        same = ToolCall.objects.filter(ticket=ticket, tool=tool.name, arguments_hash=ledger.arguments_hash(tool.name, seen.arguments))
        facts["call.done_before"] = same.filter(state=State.SUCCEEDED).exists()
    return seen


def _see_order(seen: Seen, authority: Authority) -> None:
    number = seen.arguments["order_number"]
    order = authority.shop.order(number, authority.shop_customer)
    seen.target, seen.thing, seen.is_missing = number, order, order is None
    if order is None:
        return
    seen.target_version = str(order.get("version", ""))
    seen.facts |= {
        "order.is_own": True,
        "order.status": str(order["status"]),
        "order.days_since_delivery": _days_since(order.get("delivered_at")),
        "order.days_since_placed": _days_since(order.get("placed_at")),
        "order.remaining": {"amount": int(order["captured"]) - int(order["refunded"]), "currency": order["currency"]},
    }


def _see_refund(seen: Seen) -> None:
    """Make the amount explicit, so that what is decided, shown and done is one number."""
    order = seen.thing or {}
    left, currency = int(order["captured"]) - int(order["refunded"]), str(order["currency"])
    wanted = seen.arguments.get("currency") or currency
    amount = seen.arguments.get("amount") or left
    seen.arguments = {**seen.arguments, "amount": amount, "currency": wanted}
    seen.amount, seen.currency = amount, wanted
    fits = wanted == currency and 0 < amount <= left
    seen.facts |= {"refund.amount": {"amount": amount, "currency": wanted}, "refund.fits": fits}
    if wanted != currency:
        seen.refusal_code = "currency"
        seen.refusal = f"This order was paid in {currency}; a refund in {wanted} is not possible."
    elif left <= 0:
        seen.refusal_code = "nothing_left"
        seen.refusal = "Nothing is left to refund on this order."
    elif amount > left:
        seen.refusal_code = "exceeds_left"
        seen.refusal = f"Only {left} (minor units of {currency}) are left to refund on this order."


def _see_subscription(seen: Seen, authority: Authority) -> None:
    wanted = seen.arguments["subscription_id"]
    mine = authority.shop.subscriptions(authority.shop_customer) if authority.shop_customer else []
    found = next((each for each in mine if each.get("id") == wanted), None)
    seen.target, seen.thing, seen.is_missing = wanted, found, found is None
    if found is not None:
        seen.target_version = str(found.get("status", ""))
        seen.facts |= {"subscription.is_own": True, "subscription.status": str(found["status"])}


def _days_since(moment: Any) -> int | None:
    return (timezone.now() - datetime.fromisoformat(str(moment))).days if moment else None

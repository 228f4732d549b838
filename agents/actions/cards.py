"""What the customer is shown before an action and after it, in their language, from typed values only."""

from datetime import datetime
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from agents.actions import labels
from agents.actions.facts import Seen
from supportdesk.core.money import amount_text


def confirmation_card(tool: str, seen: Seen, language: str) -> dict[str, Any]:
    """Title, facts and the words on both buttons; the act and the amount are named on the button."""
    with translation.override(language):
        arguments, order = seen.arguments, seen.thing or {}
        facts: list[list[str]] = []
        match tool:
            case "create_refund":
                money = amount_text(arguments["amount"], arguments["currency"], language)
                title, yes = _("Refund %(money)s?") % {"money": money}, _("Yes, refund %(money)s") % {"money": money}
                facts = [
                    [pgettext("card", "For"), _items(order, arguments["amount"])],
                    [pgettext("card", "Order"), seen.target],
                    [pgettext("card", "To"), labels.payment(str((order.get("payment") or {}).get("label", "")))],
                    [pgettext("card", "Arrives"), _("In 3 to 5 working days")],
                ]
            case "cancel_order":
                title, yes = _("Cancel order %(number)s?") % {"number": seen.target}, _("Yes, cancel the order")
                money = amount_text(int(order.get("captured", 0)), str(order.get("currency", "")), language)
                facts = [[pgettext("card", "For"), _items(order)], [pgettext("card", "You get back"), money]]
            case "change_address":
                title, yes = _("Change the delivery address?"), _("Yes, change the address")
                old = order.get("shipping_address") or {}
                facts = [
                    [pgettext("card", "Order"), seen.target],
                    [pgettext("card", "Until now"), _address(old)],
                    [pgettext("card", "New"), _address(arguments)],
                ]
            case "cancel_subscription":
                title, yes = _("End subscription %(id)s?") % {"id": seen.target}, _("Yes, end it")
                facts = [[pgettext("card", "Subscription"), str(order.get("name", ""))]]
            case _:
                title, yes = _("Shall I do this?"), pgettext("card", "Yes")
        return {"title": title, "yes": yes, "no": _("No, leave it"), "facts": [row for row in facts if row[1]]}


def receipt(tool: str, arguments: dict[str, Any], result: dict[str, Any], language: str, at: datetime) -> dict[str, Any]:
    """What was done, with its reference."""
    with translation.override(language):
        amount, currency = result.get("amount", result.get("refunded_amount")), str(result.get("currency", ""))
        money = amount_text(int(amount), currency, language) if amount is not None and currency else ""
        title = {
            "create_refund": _("Refunded %(money)s") % {"money": money},
            "cancel_order": _("Order %(number)s is cancelled") % {"number": arguments.get("order_number", "")},
            "change_address": _("The delivery address is changed"),
            "cancel_subscription": _("The subscription is ended"),
        }.get(tool, pgettext("card", "Done"))
        facts = [
            [pgettext("card", "Reference"), str(result.get("reference", ""))],
            [pgettext("card", "When"), at.isoformat()],
            [pgettext("card", "To"), labels.payment(str(result.get("to", "")))],
            [pgettext("card", "Arrives"), labels.arrival(str(result.get("arrives", "")))],
            [pgettext("card", "Refunded"), money if tool == "cancel_order" else ""],
            [
                pgettext("card", "New address"),
                _address(result["shipping_address"]) if isinstance(result.get("shipping_address"), dict) else "",
            ],
        ]
        return {"title": title, "facts": [row for row in facts if row[1]]}


def _items(order: dict[str, Any], amount: int | None = None) -> str:
    """The item that costs exactly the amount, else all of them."""
    items = [item for item in order.get("items") or [] if isinstance(item, dict)]
    exact = [item for item in items if amount is not None and item.get("unit_price", 0) * item.get("quantity", 1) == amount]
    return ", ".join(str(item.get("name", "")) for item in (exact[:1] or items))


def _address(address: dict[str, Any]) -> str:
    parts = [
        address.get("name"),
        address.get("line1"),
        address.get("line2"),
        f"{address.get('postcode', '')} {address.get('city', '')}".strip(),
    ]
    return ", ".join(str(part) for part in [*parts, address.get("country")] if part)

"""What the shop can do for a customer. Each act runs inside one open Deal and either books an entry or refuses."""

from __future__ import annotations

from .errors import Refusal
from .shapes import Address, AddressChanged, OrderCancelled, Refunded, RefundWanted, SubscriptionCancelled
from .store import Deal

ARRIVES = "3 to 5 working days"
CANCELLABLE = {"pending", "paid"}
MOVABLE = {"pending", "paid", "packed"}


def refund(deal: Deal, number: str, wanted: RefundWanted) -> Refunded:
    """Pay back part of an order to its payment method; never more in sum than was captured."""
    order = deal.order(number)
    if wanted["currency"] != order["currency"]:
        raise Refusal(422, "currency_mismatch", f"Order {number} was paid in {order['currency']}.")
    left = order["captured"] - order["refunded"]
    if wanted["amount"] > left:
        raise Refusal(409, "exceeds_captured", f"Only {left} {order['currency']} (minor units) of order {number} can still be refunded.")
    deal.update_order(order, refunded=order["refunded"] + wanted["amount"])
    reference = deal.next_reference("RF")
    deal.book("refund", number, amount=wanted["amount"], currency=order["currency"], reference=reference)
    return {
        "reference": reference,
        "order": number,
        "amount": wanted["amount"],
        "currency": order["currency"],
        "to": order["payment"]["label"],
        "created_at": deal.at,
        "arrives": ARRIVES,
    }


def cancel_order(deal: Deal, number: str) -> OrderCancelled:
    """Cancel an order that nobody packed yet and pay back all that was captured."""
    order = deal.order(number)
    if order["status"] not in CANCELLABLE:
        raise Refusal(409, "not_cancellable", f"Order {number} is {order['status']} and cannot be cancelled.")
    amount = order["captured"] - order["refunded"]
    deal.update_order(order, status="cancelled", refunded=order["captured"])
    reference = deal.next_reference("CN")
    deal.book("cancel", number, amount=amount, currency=order["currency"], reference=reference)
    return {"reference": reference, "order": number, "refunded_amount": amount, "currency": order["currency"]}


def change_address(deal: Deal, number: str, address: Address) -> AddressChanged:
    """Send an order elsewhere, as long as it has not left the house."""
    order = deal.order(number)
    if order["status"] not in MOVABLE:
        raise Refusal(409, "address_locked", f"Order {number} is {order['status']}: its address cannot be changed.")
    deal.update_order(order, shipping_address=address)
    reference = deal.next_reference("AD")
    deal.book("address", number, amount=0, currency=order["currency"], reference=reference)
    return {"reference": reference, "order": number, "shipping_address": address}


def cancel_subscription(deal: Deal, subscription_id: str) -> SubscriptionCancelled:
    """End a subscription at the close of the period that is paid already."""
    subscription = deal.subscription(subscription_id)
    if subscription["status"] == "cancelled":
        raise Refusal(409, "already_cancelled", f"Subscription {subscription_id} is cancelled already.")
    deal.end_subscription(subscription_id)
    reference = deal.next_reference("SC")
    deal.book("subscription_cancel", subscription_id, amount=0, currency=subscription["currency"], reference=reference)
    return {"reference": reference, "subscription": subscription_id, "status": "cancelled", "ends_at": subscription["next_at"]}

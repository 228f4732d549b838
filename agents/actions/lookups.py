"""What teammates see of the connected systems: reads only, for customers whose address was proven."""

from typing import Any

from agents.actions.models import Connector
from agents.actions.shop import Shop, Unavailable
from supportdesk.core.models import Environment
from tickets.models import Customer, CustomerIdentity


def orders_of(customer: Customer, environment: str = Environment.LIVE) -> list[dict[str, Any]] | None:
    """The customer's orders, newest first; None when the shop does not answer, empty without a proven address."""
    emails = CustomerIdentity.objects.filter(customer=customer, kind="email", is_verified=True).values_list("value", flat=True)
    connector = Connector.objects.filter(key="shop", environment=environment, is_active=True).first()
    if connector is None:
        return []
    shop = Shop(connector)
    try:
        found = [order for email in emails if (known := shop.customer_id(email)) for order in shop.orders(known)]
    except Unavailable:
        return None
    return sorted(found, key=lambda order: str(order.get("placed_at", "")), reverse=True)

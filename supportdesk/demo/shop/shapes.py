"""What travels over the wire. Money is integer minor units with an ISO 4217 code; times are ISO 8601 in UTC."""

from __future__ import annotations

from typing import Literal, TypedDict

OrderStatus = Literal["pending", "paid", "packed", "shipped", "delivered", "cancelled", "returned"]
EntryKind = Literal["refund", "cancel", "address", "subscription_cancel"]


class Address(TypedDict):
    name: str
    line1: str
    line2: str | None
    city: str
    postcode: str
    country: str


class Customer(TypedDict):
    id: str
    name: str
    email: str
    phone: str | None
    language: str
    since: str
    address: Address


class Item(TypedDict):
    sku: str
    name: str
    quantity: int
    unit_price: int


class Payment(TypedDict):
    kind: str
    label: str


class Tracking(TypedDict):
    carrier: str
    number: str
    url: str
    eta: str | None


class Order(TypedDict):
    number: str
    customer_id: str
    status: OrderStatus
    placed_at: str
    shipped_at: str | None
    delivered_at: str | None
    currency: str
    total: int
    captured: int
    refunded: int
    items: list[Item]
    payment: Payment
    shipping_address: Address
    tracking: Tracking | None
    version: int


class Subscription(TypedDict):
    id: str
    customer_id: str
    name: str
    status: Literal["active", "cancelled"]
    amount: int
    currency: str
    interval: Literal["month", "quarter", "year"]
    next_at: str | None


class Entry(TypedDict):
    """One line of the ledger; `order` names the order, or the subscription when that is what was cancelled."""

    seq: int
    at: str
    kind: EntryKind
    order: str
    amount: int
    currency: str
    reference: str
    idempotency_key: str
    prev_hash: str
    hash: str


class Operation(TypedDict):
    """What an idempotency key came to."""

    key: str
    status: int
    body: object
    at: str


class RefundWanted(TypedDict):
    amount: int
    currency: str
    reason: str


class Refunded(TypedDict):
    reference: str
    order: str
    amount: int
    currency: str
    to: str
    created_at: str
    arrives: str


class OrderCancelled(TypedDict):
    reference: str
    order: str
    refunded_amount: int
    currency: str


class AddressChanged(TypedDict):
    reference: str
    order: str
    shipping_address: Address


class SubscriptionCancelled(TypedDict):
    reference: str
    subscription: str
    status: Literal["cancelled"]
    ends_at: str | None


Done = Refunded | OrderCancelled | AddressChanged | SubscriptionCancelled

"""The invented shop as it stands when it opens: seed.json, with its days turned into dates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

SEED_FILE = Path(__file__).with_name("seed.json")
TRACKING_PAGE = "https://track.nordpost.example/"


@dataclass(frozen=True)
class Seed:
    """Rows for the three tables, columns by name; dicts and lists are stored as JSON."""

    customers: Sequence[Mapping[str, object]]
    orders: Sequence[Mapping[str, object]]
    subscriptions: Sequence[Mapping[str, object]]


def read_seed(now: datetime) -> Seed:
    """The seed with all `…_days` (relative to `now`, minus is the past) resolved."""
    raw = json.loads(SEED_FILE.read_text(encoding="utf-8"))
    customers = [_customer(row, now) for row in raw["customers"]]
    homes = {customer["id"]: customer["address"] for customer in customers}
    return Seed(
        customers=customers,
        orders=[_order(row, homes[row["customer_id"]], now) for row in raw["orders"]],
        subscriptions=[_subscription(row, now) for row in raw["subscriptions"]],
    )


def _customer(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    address = {"name": row["name"], "line2": None, **row["address"]}
    return _without_days(row) | {"since": _day(now, row["since_days"]), "address": address}


def _order(row: Mapping[str, Any], home: object, now: datetime) -> dict[str, Any]:
    return _without_days(row) | {
        "placed_at": _moment(now, row["placed_days"]),
        "shipped_at": _moment(now, row.get("shipped_days")),
        "delivered_at": _moment(now, row.get("delivered_days")),
        "total": sum(item["quantity"] * item["unit_price"] for item in row["items"]),
        "shipping_address": row.get("shipping_address", home),
        "tracking": _tracking(row["tracking"], now) if row.get("tracking") else None,
    }


def _tracking(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    eta = row.get("eta_days")
    return {
        "carrier": row["carrier"],
        "number": row["number"],
        "url": TRACKING_PAGE + row["number"],
        "eta": None if eta is None else _day(now, eta),
    }


def _subscription(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return _without_days(row) | {"next_at": _moment(now, row.get("next_days"))}


def _without_days(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.endswith("_days")}


def _moment(now: datetime, days: float | None) -> str | None:
    if days is None:
        return None
    return (now + timedelta(days=days)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _day(now: datetime, days: float) -> str:
    return (now + timedelta(days=days)).date().isoformat()

"""Pages that stay put while rows come and go: the cursor is the place of the last row that was read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import Model, Q, QuerySet

from supportdesk.api.problems import Problem
from supportdesk.core.tenancy import acting_tenant

USUAL, MOST = 50, 100


@dataclass(frozen=True)
class Order:
    """What a list is sorted by: one field and the id, in one direction."""

    name: str
    field: str
    is_descending: bool = True


def page(rows: QuerySet[Any], order: Order, *, cursor: str, size: int, shown: Callable[[Any], Any]) -> dict[str, Any]:
    """One page: its rows as `shown` makes them, and the cursor of the next page or None.

    Raises:
        Problem: 400 for a cursor that is not of this list.
    """
    if cursor:
        value, pk = _opened(order, cursor)
        far = "lt" if order.is_descending else "gt"
        beyond = Q(**{f"{order.field}__{far}": value}) | Q(**{order.field: value, f"pk__{far}": pk})
        rows = rows.filter(beyond)
    sign = "-" if order.is_descending else ""
    found = list(rows.order_by(f"{sign}{order.field}", f"{sign}pk")[: size + 1])
    kept = found[:size]
    return {"items": [shown(row) for row in kept], "next_cursor": _sealed(order, kept[-1]) if len(found) > size else None}


def _salt(order: Order) -> str:
    return f"api.cursor:{acting_tenant().pk}:{order.name}"


def _sealed(order: Order, row: Model) -> str:
    value = getattr(row, order.field)
    return signing.dumps([value.isoformat() if isinstance(value, datetime) else value, row.pk], salt=_salt(order))


def _opened(order: Order, cursor: str) -> tuple[Any, int]:
    try:
        value, pk = signing.loads(cursor, salt=_salt(order))
    except (signing.BadSignature, ValueError):
        raise Problem(400, "bad_cursor", "This cursor is not of this list. Begin without one.") from None
    return (datetime.fromisoformat(value) if isinstance(value, str) else value), pk

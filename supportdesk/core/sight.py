"""Which tickets the ground must not name to a teammate; tickets are of a floor above, which says so here."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet

from supportdesk.core.models import Membership

Hidden = Callable[[Membership], QuerySet[Any]]
_hidden: Hidden | None = None


def hide_with(hidden: Hidden) -> None:
    """Name the reader of the ids of tickets that are hidden from a teammate."""
    global _hidden
    _hidden = hidden


def in_sight(rows: QuerySet[Any], member: Membership, field: str = "ticket_id") -> QuerySet[Any]:
    """The rows without those about tickets of private queues and channels that are not this teammate's."""
    if _hidden is None:
        raise RuntimeError("Nobody said which tickets are hidden.")
    return rows.exclude(**{f"{field}__in": _hidden(member)})

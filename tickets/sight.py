"""What a teammate may see, kept in memory: the same as `Ticket.objects.visible_to`, for pages that hear of many tickets a second."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, Value

from supportdesk.core.database import SYSTEM
from supportdesk.core.models import Membership
from supportdesk.core.permissions import may
from supportdesk.core.tail import Place
from supportdesk.core.tenancy import acting_for
from tickets.models import Ticket
from tickets.models.places import hidden_channels, hidden_queues, queues_of


@dataclass(frozen=True)
class Sight:
    """What one teammate sees, as it was when it was read."""

    member_id: int
    is_whole: bool
    queue_ids: frozenset[int] = frozenset()
    hidden_queue_ids: frozenset[int] = frozenset()
    hidden_channel_ids: frozenset[int] = frozenset()

    def covers(self, place: Place | None) -> bool:
        """Whether a ticket of the same workspace that is there may be seen; a ticket that is nowhere may not."""
        if place is None or place.queue_id in self.hidden_queue_ids or place.channel_id in self.hidden_channel_ids:
            return False
        return self.is_whole or place.assignee_id == self.member_id or place.queue_id in self.queue_ids


def sight_of(member: Membership) -> Sight:
    """What the teammate sees now; one query."""
    is_whole = may(member, "ticket.see_all")
    with acting_for(member.tenant):
        parts = [_part("queue", hidden_queues(member)), _part("channel", hidden_channels(member))]
        if not is_whole:
            parts.append(_part("own", queues_of(member)))
        rows = set(parts[0].union(*parts[1:], all=True))
    own, queues, channels = (frozenset(pk for kind, pk in rows if kind == part) for part in ("own", "queue", "channel"))
    return Sight(member.pk, is_whole, own, queues, channels)


def _part(kind: str, rows: QuerySet[Any]) -> QuerySet[Any, tuple[str, int]]:
    parts: QuerySet[Any, tuple[str, int]] = rows.order_by().annotate(part=Value(kind)).values_list("part", "pk")
    return parts


def hidden_ids(member: Membership) -> QuerySet[Any]:
    """The ids of tickets in private queues and channels that are not this teammate's."""
    return Ticket.objects.hidden_from(member).values("pk")


def places_of(ids: Collection[int]) -> dict[int, Place]:
    """Where these tickets are, of whatever workspace; for the tail, which serves them all."""
    rows = Ticket._base_manager.using(SYSTEM).filter(pk__in=ids).values_list("pk", "queue_id", "assignee_id", "channel_id")
    return {pk: Place(queue_id, assignee_id, channel_id) for pk, queue_id, assignee_id, channel_id in rows}

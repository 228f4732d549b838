"""What a teammate may see, kept in memory: the same as `Ticket.objects.visible_to`, for pages that hear of many tickets a second."""

from collections.abc import Collection
from dataclasses import dataclass

from supportdesk.core.database import SYSTEM
from supportdesk.core.models import Membership
from supportdesk.core.permissions import may
from supportdesk.core.tail import Place
from supportdesk.core.tenancy import acting_for
from tickets.models import Ticket
from tickets.models.places import queues_of


@dataclass(frozen=True)
class Sight:
    """What one teammate sees, as it was when it was read."""

    member_id: int
    is_whole: bool
    queue_ids: frozenset[int] = frozenset()

    def covers(self, place: Place | None) -> bool:
        """Whether a ticket of the same workspace that is there may be seen; a ticket that is nowhere may not."""
        if place is None:
            return False
        return self.is_whole or place.assignee_id == self.member_id or place.queue_id in self.queue_ids


def sight_of(member: Membership) -> Sight:
    """What the teammate sees now."""
    if may(member, "ticket.see_all"):
        return Sight(member.pk, is_whole=True)
    with acting_for(member.tenant):
        return Sight(member.pk, is_whole=False, queue_ids=frozenset(queues_of(member).order_by().values_list("pk", flat=True)))


def places_of(ids: Collection[int]) -> dict[int, Place]:
    """Where these tickets are, of whatever workspace; for the tail, which serves them all."""
    rows = Ticket._base_manager.using(SYSTEM).filter(pk__in=ids).values_list("pk", "queue_id", "assignee_id")
    return {pk: Place(queue_id, assignee_id) for pk, queue_id, assignee_id in rows}

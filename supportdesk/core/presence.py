"""Passing news about a ticket, from any process to the pages that show it; losing it loses nothing."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from supportdesk.core.models import Presence
from supportdesk.core.tenancy import acting_tenant


def show(ticket_id: int, kind: str, **data: Any) -> None:
    """Overwrite what is shown of this kind on the ticket."""
    tenant, now = acting_tenant(), timezone.now()
    if Presence.objects.filter(tenant=tenant, ticket_id=ticket_id, kind=kind).update(data=data, changed_at=now):
        return
    Presence.objects.update_or_create(tenant=tenant, ticket_id=ticket_id, kind=kind, defaults={"data": data, "changed_at": now})


def since(moment: datetime) -> list[Presence]:
    """What changed after the moment, of every tenant, oldest first."""
    return list(Presence.objects.filter(changed_at__gt=moment).order_by("changed_at")[:500])

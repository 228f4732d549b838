"""What a person does to their own sign-in is told in the event log of every workspace they work in."""

from typing import Any

from supportdesk.core.events import Actor, record, teammate
from supportdesk.core.models import Membership, User
from supportdesk.core.tenancy import acting_for


def tell(user: User, code: str, *, by: Actor | None = None, **changed: Any) -> None:
    """Record the event of this person in each of their workspaces, in the caller's transaction."""
    for member in Membership.objects.select_related("tenant").filter(user=user, tenant__is_active=True).order_by("id"):
        with acting_for(member.tenant):
            record(code, by=by or teammate(member), member=member.pk, changed=changed)

"""What a person does to their own sign-in is told in the event log of every workspace they work in."""

from typing import Any

from supportdesk.core.events import SYSTEM_ACTOR, Actor, record, teammate
from supportdesk.core.models import Membership, User
from supportdesk.core.tenancy import acting_for, acting_tenant_id


def tell(user: User, code: str, *, by: Actor | None = None, **changed: Any) -> None:
    """Record the event of this person in each workspace they work in, in the caller's transaction; `by` is named in the caller's alone."""
    here = acting_tenant_id()
    for member in Membership.objects.select_related("tenant").filter(user=user, is_active=True, tenant__is_active=True).order_by("id"):
        # A teammate of one workspace is nobody the trail of another one could name.
        is_foreign = by is not None and by.kind == "teammate" and member.tenant_id != here
        with acting_for(member.tenant):
            record(code, by=SYSTEM_ACTOR if is_foreign else by or teammate(member), member=member.pk, changed=changed)

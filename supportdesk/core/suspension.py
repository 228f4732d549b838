"""A workspace that is suspended: nobody gets in, nothing runs, nothing is lost; what waited goes on when it is resumed.

Pages, keys and sockets look at `Tenant.is_active` when somebody asks, open sockets every few seconds. Jobs of a suspended workspace are not
claimed; one that is under way stops at the next place that writes or acts (`must_be_active`) and waits like the others.
"""

from django.db import transaction

from supportdesk.core.events import SYSTEM_ACTOR, Actor, record
from supportdesk.core.models import Job, Tenant
from supportdesk.core.tenancy import acting_for, acting_tenant

MAX_REASON = 200


class Suspended(Exception):
    """The workspace is suspended: nothing was done, and a job that meets this waits until it is resumed."""


def must_be_active(tenant: Tenant | None = None) -> None:
    """Go on only for a workspace at work, read afresh: the acting one, or a tenant the caller just read.

    Raises:
        Suspended: it is not at work.
    """
    is_active = Tenant.objects.filter(pk=acting_tenant().pk, is_active=True).exists() if tenant is None else tenant.is_active
    if not is_active:
        raise Suspended("This workspace is suspended.")


@transaction.atomic
def suspend(tenant: Tenant, *, reason: str, by: Actor = SYSTEM_ACTOR) -> bool:
    """Stop everything of a workspace; False when it was suspended before. `reason` names no person: it stays in the trail."""
    if not Tenant.objects.filter(pk=tenant.pk, is_active=True).update(is_active=False):
        return False
    tenant.is_active = False
    with acting_for(tenant):
        record("workspace.suspended", by=by, changed={"is_active": False, "reason": reason[:MAX_REASON]})
    return True


@transaction.atomic
def resume(tenant: Tenant, *, reason: str = "", by: Actor = SYSTEM_ACTOR) -> bool:
    """Let a workspace work again; what waited is due at once. False when it was not suspended."""
    if not Tenant.objects.filter(pk=tenant.pk, is_active=False).update(is_active=True):
        return False
    tenant.is_active = True
    with acting_for(tenant):
        # The broker's ids of them came to nothing: they go out once more.
        Job.objects.filter(tenant=tenant, state=Job.State.QUEUED).update(published_at=None)
        record("workspace.resumed", by=by, changed={"is_active": True, "reason": reason[:MAX_REASON]})
    return True

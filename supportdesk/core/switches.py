"""The kill switch, read from the database at each use: never cached, never part of a release."""

from django.db.models import Q

from supportdesk.core.models import KillSwitch
from supportdesk.core.tenancy import acting_tenant_id


def is_stopped(tool: str = "") -> KillSwitch | None:
    """The switch that stops the agent (or this tool) in the acting tenant, or None when it may run."""
    reach = Q(tenant=None) | Q(tenant_id=acting_tenant_id())
    named = Q(tool="") | Q(tool=tool) if tool else Q(tool="")
    return KillSwitch.objects.filter(reach, named, is_on=True).order_by("id").first()

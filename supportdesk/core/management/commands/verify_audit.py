"""`manage.py verify_audit`: follows the event chain of each workspace and names a broken row."""

from typing import Any

from django.core.management.base import BaseCommand

from supportdesk.core.events import broken_links, stamp
from supportdesk.core.models import Tenant


class Command(BaseCommand):
    """Exit 1 when any chain does not hold."""

    help = "Verify the event chain of each workspace."

    def handle(self, *args: Any, **options: Any) -> None:
        """Stamp what waits, then verify."""
        while stamp():
            pass
        broken = 0
        for tenant in Tenant.objects.order_by("slug"):
            said = broken_links(tenant)
            broken += len(said)
            for line in said or ["holds"]:
                self.stdout.write(f"{tenant.slug}: {line}")
        if broken:
            raise SystemExit(1)

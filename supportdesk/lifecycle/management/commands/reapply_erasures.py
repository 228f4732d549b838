"""`manage.py reapply_erasures`: after a restore, whoever was erased since the backup is erased again."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from supportdesk.core.jobs import Retry, enqueue
from supportdesk.core.models import Tenant
from supportdesk.core.tenancy import acting_for
from supportdesk.lifecycle import restored
from supportdesk.lifecycle.erasing import erase


class Command(BaseCommand):
    """Goes through every workspace; run it before the restored desk opens."""

    help = "Erase again whoever was erased after the backup that was restored; by the list of the erased, which holds keyed hashes."

    def add_arguments(self, parser: CommandParser) -> None:
        """--list."""
        parser.add_argument("--list", type=Path, default=settings.ERASED_LIST, help="The file of the erased, kept apart from backups.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say how many; what must wait is left to a job."""
        lines = restored.read_list(options["list"])
        for tenant in Tenant.objects.order_by("pk"):
            with acting_for(tenant):
                restored.merge(lines)
                for customer in restored.come_back():
                    self._again(customer)

    def _again(self, customer: Any) -> None:
        erasure = restored.erase_again(customer)
        try:
            erase(erasure.pk)
        except Retry:
            enqueue("lifecycle.erase", after=300.0, erasure_id=erasure.pk)
            self.stdout.write(f"customer {customer.pk}: waits, a job goes on with it")
        else:
            self.stdout.write(f"customer {customer.pk}: erased again")

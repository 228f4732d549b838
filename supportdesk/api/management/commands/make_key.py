"""`manage.py make_key`: an API key for a program, printed once."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from supportdesk.core.keys import make_key
from supportdesk.core.models import Environment, Membership, ServiceIdentity, Tenant
from supportdesk.core.permissions import PERMISSIONS
from supportdesk.core.tenancy import acting_for


class Command(BaseCommand):
    """The service identity is made with the name, or found by it and given these scopes."""

    help = "Make an API key and print it. It is stored as a hash and cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        """--tenant, --name, --scopes, --environment, --acts-as, --days."""
        parser.add_argument("--tenant", required=True, help="The workspace's short name.")
        parser.add_argument("--name", required=True, help="The program's name.")
        parser.add_argument("--scopes", required=True, help="Permissions, parted by commas.")
        parser.add_argument("--environment", choices=Environment.values, default=Environment.LIVE.value)
        parser.add_argument("--acts-as", default="", metavar="EMAIL", help="The teammate it acts as, never with more than their role.")
        parser.add_argument("--days", type=int, default=0, help="Ends after so many days; 0: when it is revoked.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the key and nothing else."""
        tenant = Tenant.objects.filter(slug=options["tenant"], is_active=True).first()
        if tenant is None:
            raise CommandError(f"There is no workspace “{options['tenant']}”.")
        scopes = sorted({scope.strip() for scope in options["scopes"].split(",") if scope.strip()})
        if unknown := [scope for scope in scopes if scope not in PERMISSIONS]:
            raise CommandError(f"No such permission: {', '.join(unknown)}. There are: {', '.join(sorted(PERMISSIONS))}.")
        with transaction.atomic(), acting_for(tenant):
            service, _made = ServiceIdentity.objects.update_or_create(
                name=options["name"],
                defaults={"scopes": scopes, "environment": options["environment"], "membership": _member(tenant, options["acts_as"])},
            )
            ends = timezone.now() + timedelta(days=options["days"]) if options["days"] > 0 else None
            _key, text = make_key(service=service, name=options["name"], expires_at=ends)
        self.stdout.write(text)


def _member(tenant: Tenant, email: str) -> Membership | None:
    if not email:
        return None
    found = Membership.objects.filter(tenant=tenant, is_active=True, user__email__iexact=email).first()
    if found is None:
        raise CommandError(f"{email} does not work in “{tenant.slug}”.")
    return found

"""`manage.py create_workspace`: a first workspace that can be worked in at once."""

import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email, validate_slug
from django.db import transaction

from agents.releases.workspaces import make_workspace
from supportdesk.core.models import Tenant, User


class Command(BaseCommand):
    """Tenant, owner, brand, chat channel, queue, team and an agent that may read and answer, and act on nothing yet."""

    help = "Create a workspace with its owner, a chat channel and an agent that permits no action until a rule does."

    def add_arguments(self, parser: CommandParser) -> None:
        """SLUG, NAME, --owner EMAIL, --owner-name, --agent-name, --password (asked for when left out)."""
        parser.add_argument("slug", help="Its short name in addresses, such as acme.")
        parser.add_argument("name", help="Its name on screens.")
        parser.add_argument("--owner", required=True, help="The owner's email, which is the login.")
        parser.add_argument("--owner-name", default="")
        parser.add_argument("--agent-name", default="Alder")
        parser.add_argument("--password", help="The owner's; asked for when left out.")

    def handle(self, *args: Any, **options: Any) -> None:
        """All or nothing."""
        email, slug = options["owner"].strip().lower(), options["slug"]
        try:
            validate_email(email)
            validate_slug(slug)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        if Tenant.objects.filter(slug=slug).exists():
            raise CommandError(f"There is a workspace “{slug}” already: choose another short name.")
        with transaction.atomic():
            user = User.objects.filter(email=email).first() or self._user(email, options)
            tenant = make_workspace(slug=slug, name=options["name"], agent_name=options["agent_name"], owner=user)
        self.stdout.write(f"{tenant.name}: customers write at /chat/{slug}/chat/, {email} signs in at /console/ and /admin/.")

    def _user(self, email: str, options: dict[str, Any]) -> User:
        password = options["password"] or getpass.getpass(f"Password for {email}: ")
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        return User.objects.create_user(email, password, name=options["owner_name"] or email.partition("@")[0])

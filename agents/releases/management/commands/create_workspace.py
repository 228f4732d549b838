"""`manage.py create_workspace`: a first workspace that can be worked in at once."""

import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email, validate_slug
from django.db import transaction

from agents.actions.tools import TOOLS
from agents.releases.defaults import CONFIRMATION_RULE, IDENTITY_RULE, PROMPT
from agents.releases.models import Agent
from agents.releases.services import make_release, promote
from policies.models import Policy, Prompt, Rule
from supportdesk.core.events import SYSTEM_ACTOR
from supportdesk.core.models import Brand, Membership, Role, Team, TeamMember, Tenant, User
from supportdesk.core.tenancy import acting_for
from tickets.models import Channel, Queue, QueueTeam


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
            tenant = Tenant.objects.create(slug=slug, name=options["name"])
            member = Membership.objects.create(tenant=tenant, user=user, role=Role.OWNER)
            User.objects.filter(pk=user.pk).update(is_staff=True)
            with acting_for(tenant):
                _furnish(tenant, member, options["agent_name"])
        self.stdout.write(f"{tenant.name}: customers write at /chat/{slug}/chat/, {email} signs in at /console/ and /admin/.")

    def _user(self, email: str, options: dict[str, Any]) -> User:
        password = options["password"] or getpass.getpass(f"Password for {email}: ")
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        return User.objects.create_user(email, password, name=options["owner_name"] or email.partition("@")[0])


def _furnish(tenant: Tenant, owner: Membership, agent_name: str) -> None:
    brand = Brand.objects.create(key=tenant.slug, name=tenant.name, agent_name=agent_name, languages=["en"])
    Channel.objects.create(brand=brand, key="chat", kind=Channel.Kind.CHAT, name="Chat")
    team = Team.objects.create(key="support", name="Support team")
    TeamMember.objects.create(team=team, membership=owner)
    queue = Queue.objects.create(key="support", name="Support", is_fallback=True)
    QueueTeam.objects.create(queue=queue, team=team)
    prompt = Prompt.objects.create(key="support", name="Support", body=PROMPT.format(agent=agent_name, brand=tenant.name))
    policy = Policy.objects.create(key="support", name="Support", description="Nothing is permitted yet: a teammate is asked.")
    for position, rule in enumerate((IDENTITY_RULE, CONFIRMATION_RULE)):
        Rule.objects.create(policy=policy, position=position, **rule)
    agent = Agent.objects.create(brand=brand, prompt=prompt, policy=policy, tools=list(TOOLS))
    promote(make_release(agent, by=SYSTEM_ACTOR, name="create_workspace", note="First release"), by=SYSTEM_ACTOR)

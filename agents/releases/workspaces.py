"""A workspace that can be worked in at once: brand, chat channel, queue, team, and an agent that permits no action until a rule does."""

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


@transaction.atomic
def make_workspace(*, slug: str, name: str, agent_name: str = "Alder", owner: User | None = None) -> Tenant:
    """The workspace; without an owner it waits for whoever is invited as one."""
    tenant = Tenant.objects.create(slug=slug, name=name)
    member = Membership.objects.create(tenant=tenant, user=owner, role=Role.OWNER) if owner is not None else None
    if owner is not None:
        User.objects.filter(pk=owner.pk).update(is_staff=True)
    with acting_for(tenant):
        _furnish(tenant, member, agent_name)
    return tenant


def _furnish(tenant: Tenant, owner: Membership | None, agent_name: str) -> None:
    brand = Brand.objects.create(key=tenant.slug, name=tenant.name, agent_name=agent_name, languages=["en"])
    Channel.objects.create(brand=brand, key="chat", kind=Channel.Kind.CHAT, name="Chat")
    team = Team.objects.create(key="support", name="Support team")
    if owner is not None:
        TeamMember.objects.create(team=team, membership=owner)
    queue = Queue.objects.create(key="support", name="Support", is_fallback=True)
    QueueTeam.objects.create(queue=queue, team=team)
    prompt = Prompt.objects.create(key="support", name="Support", body=PROMPT.format(agent=agent_name, brand=tenant.name))
    policy = Policy.objects.create(key="support", name="Support", description="Nothing is permitted yet: a teammate is asked.")
    for position, rule in enumerate((IDENTITY_RULE, CONFIRMATION_RULE)):
        Rule.objects.create(policy=policy, position=position, **rule)
    agent = Agent.objects.create(brand=brand, prompt=prompt, policy=policy, tools=list(TOOLS))
    promote(make_release(agent, by=SYSTEM_ACTOR, name="create_workspace", note="First release"), by=SYSTEM_ACTOR)

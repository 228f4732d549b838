"""Builders of small worlds: *Alice owns Acme, Bob works there, Charlie works at Globex*. Each makes one row with sensible defaults."""

from dataclasses import dataclass
from itertools import count
from typing import Any

from policies.models import Limit, Policy, Prompt, Rule
from supportdesk.core.models import Brand, KillSwitch, Membership, Role, Team, TeamMember, Tenant, User
from supportdesk.core.tenancy import acting_for
from tickets.models import Channel, ChatSession, Customer, Message, Queue, QueueTeam, Ticket
from tickets.receiving import open_session, receive_chat_message

PASSWORD = "correct horse battery"
_numbers = count(1)


@dataclass(frozen=True)
class World:
    """One workspace with what a ticket needs: a brand, a chat channel, a fallback queue worked by one team, and an owner."""

    tenant: Tenant
    brand: Brand
    channel: Channel
    queue: Queue
    team: Team
    owner: Membership


def make_tenant(slug: str = "acme", **fields: Any) -> Tenant:
    """A workspace, named after its slug."""
    return Tenant.objects.create(slug=slug, **{"name": slug.capitalize(), **fields})


def make_user(name: str = "Alice Ames", *, email: str = "", **fields: Any) -> User:
    """A human who signs in with PASSWORD."""
    address = email or f"{name.split()[0].lower()}-{next(_numbers)}@people.example"
    return User.objects.create_user(address, PASSWORD, name=name, **fields)


def make_member(
    tenant: Tenant, role: Role = Role.OWNER, *, name: str = "Alice Ames", user: User | None = None, **fields: Any
) -> Membership:
    """A teammate; `fields` go to the user, who is new unless given."""
    return Membership.objects.create(tenant=tenant, user=user or make_user(name, **fields), role=role)


def make_world(slug: str = "acme", *, owner: str = "Alice Ames") -> World:
    """A workspace ready to receive messages."""
    tenant = make_tenant(slug)
    member = make_member(tenant, name=owner)
    with acting_for(tenant):
        brand = Brand.objects.create(key="main", name=tenant.name, languages=["en"])
        channel = Channel.objects.create(brand=brand, key="web", kind=Channel.Kind.CHAT, name="Web chat")
        queue = Queue.objects.create(key="general", name="General", is_fallback=True)
        team = Team.objects.create(key="care", name="Customer care")
        QueueTeam.objects.create(queue=queue, team=team)
        TeamMember.objects.create(team=team, membership=member)
    return World(tenant, brand, channel, queue, team, member)


def join_team(member: Membership, team: Team) -> TeamMember:
    """Let a teammate work the team's queues; inside `acting_for`."""
    link: TeamMember = TeamMember.objects.create(team=team, membership=member)
    return link


def make_session(world: World, *, name: str = "") -> tuple[ChatSession, str]:
    """A visitor of the world's chat and the token of their browser; inside `acting_for`."""
    session, token = open_session(world.channel)
    if name:
        Customer.objects.filter(pk=session.customer_id).update(name=name)
        session.customer.name = name
    return session, token


def say(session: ChatSession, body: str = "Where is my order?", *, client_id: str = "") -> Message:
    """One chat message of this visitor; inside `acting_for`."""
    return receive_chat_message(session=session, body=body, client_id=client_id or f"c{next(_numbers)}")


def make_ticket(world: World, body: str = "Where is my order?") -> Ticket:
    """A ticket a visitor just opened; inside `acting_for`."""
    session, _token = make_session(world)
    ticket: Ticket = say(session, body).ticket
    return ticket


def make_prompt(key: str = "voice", **fields: Any) -> Prompt:
    """An editable prompt; inside `acting_for`."""
    prompt: Prompt = Prompt.objects.create(key=key, **{"name": "Voice", "body": "You are Alder.", **fields})
    return prompt


def make_policy(key: str = "shop", **fields: Any) -> Policy:
    """An empty policy; inside `acting_for`."""
    policy: Policy = Policy.objects.create(key=key, **{"name": "Shop policy", **fields})
    return policy


def make_rule(policy: Policy, code: str = "R-1", **fields: Any) -> Rule:
    """A permit of small own refunds, unless `fields` say otherwise; inside `acting_for`."""
    defaults = {
        "kind": Rule.Kind.PERMIT,
        "title": "Refunds of an own order",
        "tools": ["create_refund"],
        "when": [{"fact": "order.is_own", "op": "==", "value": True}],
    }
    rule: Rule = Rule.objects.create(policy=policy, code=code, **{**defaults, **fields})
    return rule


def make_limit(policy: Policy, code: str = "L-1", **fields: Any) -> Limit:
    """At most €200.00 of refunds per customer in 30 days, unless `fields` say otherwise; inside `acting_for`."""
    defaults = {"title": "Refunds per customer", "tools": ["create_refund"], "scope": Limit.Scope.CUSTOMER, "amount": {"EUR": 20_000}}
    limit: Limit = Limit.objects.create(policy=policy, code=code, **{**defaults, **fields})
    return limit


def make_switch(tenant: Tenant | None, *, tool: str = "", is_on: bool = True) -> KillSwitch:
    """A kill switch."""
    return KillSwitch.objects.create(tenant=tenant, tool=tool, is_on=is_on, reason="test")

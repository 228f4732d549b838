"""A small workspace for bars, and teammates who are signed in."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from supportdesk.core.models import Brand, Membership, Role, Team, TeamMember, Tenant, User
from supportdesk.core.tenancy import acting_for
from tickets.models import Channel, Queue, QueueTeam

QUEUES = ("orders", "shipping", "warranty", "deutsch")


@dataclass(frozen=True)
class World:
    """One workspace: a brand, a chat channel, queues worked by one team."""

    tenant: Tenant
    channel: Channel
    queues: list[Queue]
    team: Team


def build(slug: str) -> World:
    """Make one."""
    tenant = Tenant.objects.create(slug=slug, name=slug.capitalize())
    with acting_for(tenant):
        brand = Brand.objects.create(key="main", name=tenant.name, languages=["en"])
        channel = Channel.objects.create(brand=brand, key="web", kind=Channel.Kind.CHAT, name="Chat")
        queues = [
            Queue.objects.create(key=key, name=key.capitalize(), is_fallback=key == "orders", position=n) for n, key in enumerate(QUEUES)
        ]
        team = Team.objects.create(key="care", name="Care")
        for queue in queues:
            QueueTeam.objects.create(queue=queue, team=team)
    return World(tenant, channel, queues, team)


def teammate(world: World, name: str, role: Role = Role.RESPONDER) -> Membership:
    """One who works the world's queues."""
    user = User(email=f"{name}@{world.tenant.slug}.example", name=name.capitalize())
    user.set_unusable_password()
    user.save()
    member = Membership.objects.create(tenant=world.tenant, user=user, role=role)
    with acting_for(world.tenant):
        TeamMember.objects.create(team=world.team, membership=member)
    return member


def signed_in(member: Membership) -> str:
    """The session key of a browser this teammate signed in with."""
    session = SessionStore()
    session[SESSION_KEY] = str(member.user_id)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[1]
    session[HASH_SESSION_KEY] = member.user.get_session_auth_hash()
    session["membership"] = member.pk
    session.save()
    return str(session.session_key)

"""A workspace with at least one row of every kind of row there is; a kind without one fails `test_every_kind_of_row_is_furnished`."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from allauth.usersessions.models import UserSession
from django.apps import apps
from django.db import connection
from django.db.models import AutoField, BigAutoField, Model
from django.utils import timezone

from agents.actions.models import Approval, Connector, ToolCall
from agents.knowledge.indexing import cut_article
from agents.knowledge.models import Article, Passage, PassageVector, Snapshot
from agents.releases.models import Agent, AgentGrant, Label, Pin, Release
from agents.runtime.models import AgentRun
from policies.publishing import publish_policy, publish_prompt
from supportdesk.accounts.models import SignInRules
from supportdesk.core.events import AI, SYSTEM_ACTOR, Actor, stamp
from supportdesk.core.grants import give
from supportdesk.core.jobs import enqueue
from supportdesk.core.keys import make_key
from supportdesk.core.models import IdempotentRequest, Presence, ServiceIdentity
from supportdesk.core.tenancy import acting_for
from tests.admin.conftest import Drafts, make_drafts
from tests.api.worlds import asked_teammate, shown_card, traced
from tests.factories import World, make_session, make_switch, say
from tickets import verbs
from tickets.files import attach
from tickets.handoff import Packet
from tickets.models import (
    Attachment,
    ChannelGrant,
    Company,
    Customer,
    CustomerIdentity,
    IdentityProof,
    OneTimeCode,
    Queue,
    QueueGrant,
    SpentToken,
    Ticket,
)
from tickets.signed import make_key as make_host_key

_names = count(1)
LOOKS, ADDRESS, WORDS = "Ida Ekholm", "ida@mail.example", "Where is my order N-20418?"


@dataclass
class Furniture:
    """What addresses and bodies can name."""

    world: World
    ticket: Ticket
    token: str
    file: Attachment
    approval: Approval
    call: ToolCall
    run: AgentRun
    customer: Customer
    article: Article
    # What belongs to the workspace's owner alone.
    browser: Any = None
    own_key: Any = None
    rows: dict[type[Model], Any] = field(default_factory=dict)


def furnish(world: World) -> Furniture:
    """Fill an empty workspace with one of everything."""
    made = look_alike(world)
    drafts = make_drafts(world)
    with acting_for(world.tenant):
        _configured(world, drafts, made)
        own = ServiceIdentity.objects.create(name="Owner's own", scopes=["ticket.list"], membership=world.owner)
        made.own_key = make_key(service=own, name="own")[0]
    made.browser = UserSession.objects.create(
        user=world.owner.user, session_key=f"of-{world.tenant.slug}", ip="127.0.0.1", user_agent="Firefox"
    )
    stamp()
    made.rows = rows_of(world)
    return made


def look_alike(world: World, tag: str = "") -> Furniture:
    """One case with all that hangs on it: the same names and words every time, other keys only where they must be unique."""
    later = timezone.now() + timedelta(hours=1)
    with acting_for(world.tenant):
        session, token = make_session(world, name=LOOKS)
        ticket = say(session, WORDS).ticket
        customer = ticket.customer
        company = Company.objects.create(name="Ekholm & Co", domain="mail.example")
        Customer.objects.filter(pk=customer.pk).update(company=company)
        identity = CustomerIdentity.objects.create(customer=customer, kind="email", value=f"{tag}{ADDRESS}", is_verified=True)
        IdentityProof.objects.create(ticket=ticket, identity=identity, method="email_code", expires_at=later)
        OneTimeCode.objects.create(ticket=ticket, email=ADDRESS, expires_at=later)
        file = attach(ticket=ticket, name="broken-pole.txt", content=b"It broke here.", by=Actor("customer", customer.pk))
        approval, run, call = asked_teammate(ticket), traced(ticket), shown_card(ticket)
        verbs.escalate(ticket_id=ticket.pk, packet=Packet(reason="asked_for_human", language="en", question=WORDS), by=AI)
        ticket.refresh_from_db()
        service = ServiceIdentity.objects.create(name=f"Shop backend{tag}", scopes=["ticket.list"])
        make_key(service=service, name="test")
        once = {"fingerprint": "f" * 64, "claim": "c", "lease_until": later, "expires_at": later}
        IdempotentRequest.objects.create(service=service, key="once-1", **once)
        article = Article.objects.create(
            brand=world.brand,
            slug=f"returns{tag}",
            language="en",
            collection="Returns",
            title="How to return",
            body="Send it back within 30 days. Nothing else is needed.",
            status=Article.Status.PUBLISHED,
        )
        cut_article(article)
        enqueue("knowledge.index")
    return Furniture(world, ticket, token, file, approval, call, run, customer, article)


def _configured(world: World, drafts: Drafts, made: Furniture) -> None:
    """What a workspace has once."""
    for switched in ("create_refund",):
        make_switch(world.tenant, tool=switched, is_on=False)
    version, prompt_version = publish_policy(drafts.policy, by=SYSTEM_ACTOR), publish_prompt(drafts.prompt, by=SYSTEM_ACTOR)
    agent = Agent.objects.create(brand=world.brand, prompt=drafts.prompt, policy=drafts.policy)
    snapshot = Snapshot.objects.create(number=1, passage_ids=list(Passage.objects.values_list("pk", flat=True)), hash="s" * 64)
    release = Release.objects.create(
        agent=agent,
        number=1,
        prompt_version=prompt_version,
        policy_version=version,
        snapshot=snapshot,
        tools=[],
        model_chain=[],
        hash="r" * 64,
    )
    Label.objects.create(agent=agent, release=release)
    Pin.objects.create(ticket=made.ticket, release=release)
    connector = Connector.objects.create(key="shop", name="Shop", base_url="https://shop.example")
    connector.set_token("secret-of-the-shop")
    PassageVector.objects.create(content_hash="p" * 64, embedder="none", vector=b"\0" * 8)
    Presence.objects.create(tenant=world.tenant, ticket_id=made.ticket.pk, kind="progress", changed_at=timezone.now())
    Queue.objects.create(key="secret", name="Board matters", position=9)
    give(QueueGrant, on=world.queue, to=world.owner, by=SYSTEM_ACTOR)
    give(ChannelGrant, on=world.channel, to=world.owner, by=SYSTEM_ACTOR)
    give(AgentGrant, on=agent, to=world.owner, by=SYSTEM_ACTOR)
    SignInRules.objects.create()
    signing = make_host_key(channel=world.channel, name="Shop", site="https://shop.example", algorithm="HS256", by=SYSTEM_ACTOR)[0]
    SpentToken.objects.create(key=signing, jti_hash="j" * 64, expires_at=timezone.now() + timedelta(hours=1))


def far_away() -> None:
    """Let ids from here on begin at 700,000, so that another workspace's cannot be mistaken for one's own in a page."""
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            table, key = model._meta.db_table, model._meta.pk
            if not isinstance(key, AutoField | BigAutoField):
                continue
            if connection.vendor == "sqlite":
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, 700000)", [table])
            else:
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), 700000)", [table, key.column])


def tenant_models() -> list[type[Model]]:
    """Every kind of row that belongs to a tenant, found by its column; histories included."""
    return [model for model in apps.get_models() if any(each.name == "tenant" for each in model._meta.concrete_fields)]


def rows_of(world: World) -> dict[type[Model], Any]:
    """One row of each kind the workspace has."""
    with acting_for(world.tenant):
        found = {model: model._base_manager.filter(tenant=world.tenant).order_by("pk").first() for model in tenant_models()}
    return {model: row for model, row in found.items() if row is not None}


def everything_of(world: World) -> dict[str, str]:
    """Every row of the workspace as text, by kind: equal before and after when nothing was touched."""
    with acting_for(world.tenant):
        return {
            model._meta.label: "\n".join(
                repr(sorted(row.items())) for row in model._base_manager.filter(tenant=world.tenant).order_by("pk").values()
            )
            for model in tenant_models()
        }

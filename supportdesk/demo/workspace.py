"""The demo workspace: Norrholt, an invented shop for outdoor equipment, with people, articles, rules and first tickets."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agents.actions.models import Connector
from agents.actions.tools import TOOLS
from agents.knowledge.engine.embedder import embedder_from
from agents.knowledge.indexing import cut_article, embed_missing
from agents.knowledge.models import Article
from agents.releases.defaults import ACTING, CONFIRMATION_RULE, IDENTITY_RULE, PROMPT
from agents.releases.models import Agent, Label
from agents.releases.services import make_release, promote
from policies.models import Limit, Policy, Prompt, Rule
from supportdesk.core.events import SYSTEM_ACTOR
from supportdesk.core.models import Brand, Membership, Role, Team, TeamMember, Tenant, User
from supportdesk.core.tenancy import acting_for
from tickets.models import Channel, Customer, CustomerIdentity, Queue, QueueTeam, Ticket
from tickets.receiving import open_session, receive_chat_message

HERE = Path(__file__).parent
PASSWORD = "norrholt-demo-1"  # noqa: S105 - the demo's own, printed at every start


@dataclass(frozen=True)
class Mate:
    """One teammate of the demo."""

    name: str
    email: str
    role: Role
    teams: tuple[str, ...] = ()


TEAMMATES = (
    Mate("Mira Solberg", "mira@norrholt.example", Role.SUPERVISOR, ("orders", "warranty")),
    Mate("Jonas Adeyemi", "jonas@norrholt.example", Role.RESPONDER, ("orders", "warranty")),
    Mate("Priya Castellan", "priya@norrholt.example", Role.POLICY_EDITOR),
    Mate("Lena Okafor", "lena@norrholt.example", Role.VIEWER, ("orders",)),
    Mate("Anders Holm", "anders@norrholt.example", Role.ADMIN, ("warranty",)),
    Mate("Nora Lindqvist", "nora@norrholt.example", Role.OWNER),
)
# One person who works in the twin, too, with fewer rights there; logins belong to people, not to workspaces.
IN_BOTH = "anders@norrholt.example"
TEAMS = (("orders", "Orders team"), ("warranty", "Warranty team"))
QUEUES: tuple[dict[str, Any], ...] = (
    {
        "key": "orders",
        "name": "Orders and returns",
        "icon": "return",
        "intents": [
            "refund",
            "return_or_exchange",
            "cancel_order",
            "change_address",
            "payment_question",
            "list_orders",
            "refund_question",
            "subscription_question",
            "cancel_subscription",
        ],
        "is_fallback": True,
        "teams": ["orders"],
    },
    {"key": "shipping", "name": "Shipping", "icon": "truck", "intents": ["order_status", "shipping_question"], "teams": ["orders"]},
    {
        "key": "warranty",
        "name": "Warranty and repair",
        "icon": "tent",
        "intents": ["warranty_question", "product_care_question", "product_question", "sizing_question"],
        "teams": ["warranty"],
    },
    {"key": "deutsch", "name": "Deutsch", "icon": "globe", "language": "de", "teams": ["orders"]},
)
RULES: tuple[dict[str, Any], ...] = (
    {
        "code": "R-1",
        "kind": "permit",
        "title": "Alder may act on the customer's own orders and subscriptions.",
        "tools": ACTING,
        "when": [{"fact": "account.is_own", "op": "==", "value": True}],
    },
    IDENTITY_RULE,
    CONFIRMATION_RULE,
    {
        "code": "R-4",
        "kind": "require",
        "title": "Refunds above €100.00 or later than 60 days after delivery are decided by a teammate.",
        "tools": ["create_refund"],
        "condition": [
            {"fact": "refund.amount", "op": "<=", "value": {"EUR": 10000, "GBP": 9000}},
            {"fact": "order.days_since_delivery", "op": "<=", "value": 60},
        ],
        "otherwise": "ask",
        "message": "Above €100.00 or later than 60 days after delivery: a teammate decides.",
    },
)
LIMITS: tuple[dict[str, Any], ...] = (
    {
        "code": "L-1",
        "title": "Refunds of €200.00 per customer in 30 days",
        "tools": ["create_refund"],
        "scope": "customer",
        "window_days": 30,
        "amount": {"EUR": 20000, "GBP": 18000},
        "otherwise": "ask",
    },
)
FIRST_MESSAGES = (
    ("owen@mail.example", "Is there customs duty on parcels to the UK?"),
    ("bastian@mail.example", "Wie lange kann ich Schuhe zurückgeben, die ich nur drinnen getragen habe?"),
    ("greta@mail.example", "Which sleeping bag is right for minus eight degrees?"),
    ("yuki@mail.example", "THIS IS RIDICULOUS. Third time I write about my invoice and nobody helps!"),
    ("sofia@mail.example", "¿Cuánto tardan en devolverme el dinero?"),
    ("rafael@mail.example", "Do you rent out tents for a wedding?"),
    ("elin@mail.example", "I would like to talk to a person please, it is about my repair."),
    ("claire@mail.example", "How do I dry and store my tent?"),
)


@dataclass(frozen=True)
class Site:
    """What tells one Norrholt from its twin: everything else is the same in both."""

    slug: str
    teammates: tuple[Mate, ...]
    shop_url: str
    shop_token: str


def norrholt() -> Site:
    """The demo's own."""
    return Site("norrholt", TEAMMATES, settings.DEMO_SHOP_URL, settings.DEMO_SHOP_TOKEN)


def twin(shop_url: str) -> Site:
    """A second Norrholt with a shop of its own; its teammates have the same names."""
    mates = [replace(mate, email=mate.email.replace("@norrholt.", "@norrholt-twin.")) for mate in TEAMMATES if mate.email != IN_BOTH]
    both = next(replace(mate, role=Role.VIEWER) for mate in TEAMMATES if mate.email == IN_BOTH)
    return Site("norrholt-twin", (*mates, both), shop_url, f"{settings.DEMO_SHOP_TOKEN}-twin")


def build(site: Site | None = None) -> Tenant:
    """Build or update the workspace; tickets, people and edited rules of an existing one stay as they are."""
    site = site or norrholt()
    tenant, _made = Tenant.objects.get_or_create(slug=site.slug, defaults={"name": "Norrholt", "currency": "EUR"})
    with acting_for(tenant):
        with transaction.atomic():
            brand = _brand()
            _people(tenant, site.teammates)
            _customers()
            connector = _connector(site)
        _articles(brand)
        with transaction.atomic():
            agent = _agent(brand)
        if not Label.objects.filter(agent=agent, environment="live").exists():
            promote(make_release(agent, by=SYSTEM_ACTOR, name="Demo", note="First release"), by=SYSTEM_ACTOR)
        if connector and not Ticket.objects.exists():
            _first_messages()
    return tenant


def _brand() -> Brand:
    brand, _made = Brand.objects.get_or_create(
        key="norrholt", defaults={"name": "Norrholt", "agent_name": "Alder", "languages": ["en", "de", "es"], "reply_minutes": 20}
    )
    Channel.objects.get_or_create(key="chat", defaults={"brand": brand, "kind": "chat", "name": "Chat"})
    teams = {key: Team.objects.get_or_create(key=key, defaults={"name": name})[0] for key, name in TEAMS}
    for position, row in enumerate(QUEUES):
        fields = {name: value for name, value in row.items() if name not in ("key", "teams")}
        queue, made = Queue.objects.get_or_create(key=row["key"], defaults={**fields, "position": position})
        if made:
            for key in row["teams"]:
                QueueTeam.objects.create(queue=queue, team=teams[key])
    found: Brand = brand
    return found


def _people(tenant: Tenant, mates: tuple[Mate, ...]) -> None:
    for mate in mates:
        user = User.objects.filter(email=mate.email).first() or User.objects.create_user(mate.email, PASSWORD, name=mate.name)
        user.is_staff = user.is_staff or mate.role in (Role.POLICY_EDITOR, Role.ADMIN, Role.OWNER)
        user.save(update_fields=["is_staff"])
        member, _made = Membership.objects.get_or_create(tenant=tenant, user=user, defaults={"role": mate.role})
        for key in mate.teams:
            TeamMember.objects.get_or_create(team=Team.objects.get(key=key), membership=member)


def _customers() -> None:
    for row in json.loads((HERE / "shop" / "seed.json").read_text())["customers"]:
        if CustomerIdentity.objects.filter(kind="email", value=row["email"]).exists():
            continue
        customer = Customer.objects.create(name=row["name"], language=row.get("language", ""))
        CustomerIdentity.objects.create(customer=customer, kind="email", value=row["email"], is_verified=True, verified_at=timezone.now())


def _connector(site: Site) -> bool:
    """Point the connector to where the shop runs now; returns whether there is one."""
    connector, _made = Connector.objects.get_or_create(
        key="shop", environment="live", defaults={"name": "Norrholt shop", "base_url": site.shop_url}
    )
    connector.base_url = site.shop_url
    connector.save(update_fields=["base_url"])
    connector.set_token(site.shop_token)
    return True


def _articles(brand: Brand) -> None:
    existing = set(Article.objects.filter(brand=brand).values_list("slug", "language"))
    for path in sorted((HERE / "articles").glob("*/*.md")):
        head, body = _front_matter(path.read_text())
        if (head["slug"], path.parent.name) in existing:
            continue
        updated = timezone.make_aware(datetime.fromisoformat(head["updated"]))
        article = Article.objects.create(
            brand=brand,
            slug=head["slug"],
            language=path.parent.name,
            collection=head["collection"],
            title=head["title"],
            summary=head["summary"],
            body=body,
            status=Article.Status.PUBLISHED,
            updated_at=updated,
        )
        cut_article(article)
    embed_missing(embedder_from(settings.EMBEDDER))


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """The head's `key: value` lines and the Markdown below it."""
    _empty, head, body = text.split("---\n", 2)
    return dict(line.split(": ", 1) for line in head.strip().splitlines()), body.strip()


def _agent(brand: Brand) -> Agent:
    prompt, _p = Prompt.objects.get_or_create(
        key="support", defaults={"name": "Support", "body": PROMPT.format(agent=brand.agent_name, brand=brand.name)}
    )
    policy, made = Policy.objects.get_or_create(
        key="shop", defaults={"name": "Orders and refunds", "description": "What Alder may do with orders, refunds and subscriptions."}
    )
    if made:
        for position, rule in enumerate(RULES):
            Rule.objects.create(policy=policy, position=position, **rule)
        for limit in LIMITS:
            Limit.objects.create(policy=policy, **limit)
    agent, _a = Agent.objects.get_or_create(brand=brand, defaults={"prompt": prompt, "policy": policy, "tools": list(TOOLS)})
    found: Agent = agent
    return found


def _first_messages() -> None:
    """A morning's messages; the agent itself answers them or hands them over when the worker starts."""
    channel = Channel.objects.select_related("brand").get(key="chat")
    for email, text in FIRST_MESSAGES:
        known = CustomerIdentity.objects.select_related("customer").filter(kind="email", value=email).first()
        if known is None:
            continue
        session, _token = open_session(channel)
        anonymous, session.customer = session.customer, known.customer
        session.save(update_fields=["customer"])
        anonymous.delete()
        receive_chat_message(session=session, body=text, client_id="first")

"""Names for what events are about: one query for each kind that a page's events name, whatever their number."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from agents.actions.models import Connector
from agents.knowledge.models import Article
from agents.releases.models import Agent, Release
from policies.models import Limit, Policy, Prompt, Rule
from supportdesk.console.audit.sentences import Names
from supportdesk.core.models import ApiKey, Brand, Event, Membership, ServiceIdentity, Team
from supportdesk.core.tenancy import acting_tenant
from tickets.models import Channel, Queue, Ticket
from tickets.models.places import hidden_queues

Found = Mapping[Any, str]
Finder = Callable[[set[int]], Found]


def _of(model: Any, word: str = "", field: str = "name") -> Finder:
    def find(keys: set[int]) -> Found:
        return {key: f"{word}{name}" for key, name in model.objects.filter(pk__in=keys).values_list("pk", field)}

    return find


def _teammates(keys: set[int]) -> Found:
    rows = Membership.objects.filter(tenant=acting_tenant(), pk__in=keys).select_related("user")
    return {row.pk: row.name for row in rows}


def _users(keys: set[int]) -> Found:
    rows = Membership.objects.filter(tenant=acting_tenant(), user_id__in=keys).select_related("user")
    return {row.user_id: row.name for row in rows}


def _keys(keys: set[int]) -> Found:
    # Keys lie outside the walls: the tenant is named here.
    return {row.pk: row.name for row in ApiKey.objects.filter(tenant=acting_tenant(), pk__in=keys)}


def _agents(keys: set[int]) -> Found:
    return {row.pk: row.brand.agent_name for row in Agent.objects.filter(pk__in=keys).select_related("brand")}


FINDERS: dict[str, Finder] = {
    "ticket": _of(Ticket, "#", "number"),
    "member": _teammates,
    "membership": _teammates,
    "user": _users,
    "agent": _agents,
    "queue": _of(Queue),
    "channel": _of(Channel, field="key"),
    "policy": _of(Policy),
    "prompt": _of(Prompt),
    "rule": _of(Rule, field="code"),
    "limit": _of(Limit, field="code"),
    "article": _of(Article, field="title"),
    "release": _of(Release, "r", "number"),
    "connector": _of(Connector),
    "brand": _of(Brand),
    "team": _of(Team),
    "service": _of(ServiceIdentity),
    "serviceidentity": _of(ServiceIdentity),
    "key": _keys,
    "apikey": _keys,
}


def names_for(events: Iterable[Event], reader: Membership) -> Names:
    """The names these events need, but those of queues the reader must not know. Who sees an event sees its ticket."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for event in events:
        if event.ticket_id:
            wanted["ticket"].add(event.ticket_id)
        if event.actor_id and event.actor_kind in ("teammate", "service"):
            wanted["member" if event.actor_kind == "teammate" else "service"].add(event.actor_id)
        for kind, key in (*event.subject.items(), *(("member", event.changed.get("assignee")), ("queue", event.changed.get("queue")))):
            if kind in FINDERS and str(key).isdigit():
                wanted[kind].add(int(key))
    wanted["queue"] -= set(hidden_queues(reader).values_list("pk", flat=True)) if wanted["queue"] else set()
    found = {(kind, str(key)): name for kind, keys in wanted.items() for key, name in FINDERS[kind](keys).items()}
    return Names(found)

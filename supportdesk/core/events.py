"""The event log: `record` writes an event in the caller's transaction, `stamp` gives committed events their place in the chain.

Commit order and id order differ under concurrency, so an event has no position until one stamper at a time hands them out. Every
reader cursors by position and misses nothing.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction
from django.db.models import QuerySet

from supportdesk.core.bells import ring
from supportdesk.core.database import ON_POSTGRES, SYSTEM
from supportdesk.core.models import ChainHead, Event, Membership, Tenant
from supportdesk.core.tenancy import acting_tenant

STAMP_LOCK = 7_290_001
# In this order, for ever: an event's hash is taken over exactly these.
HASHED = ("id", "tenant_id", "position", "code", "actor_kind", "actor_id", "ticket_id", "subject", "changed", "at", "prev_hash")


@dataclass(frozen=True)
class Actor:
    """Who did it: the kind, and the id within that kind."""

    kind: str
    id: int | None = None


SYSTEM_ACTOR = Actor("system")
AI = Actor("ai")


def teammate(member: Membership) -> Actor:
    """The actor a teammate is."""
    return Actor("teammate", member.pk)


def record(
    code: str, *, by: Actor = SYSTEM_ACTOR, ticket_id: int | None = None, changed: dict[str, Any] | None = None, **subject: Any
) -> Event:
    """Append one event of the acting tenant, in the caller's transaction; `subject` holds ids, never content.

    Raises:
        ScopeError: outside `acting_for`.
    """
    event = Event.objects.create(
        tenant=acting_tenant(),
        code=code,
        actor_kind=by.kind,
        actor_id=by.id,
        ticket_id=ticket_id,
        subject={name: str(value) for name, value in subject.items() if value is not None},
        changed=changed or {},
    )
    ring()
    return event


def event_hash(event: Event, position: int, prev_hash: str) -> str:
    """The link of one event: SHA-256 over its content, its position and the link before it."""
    return link_hash(content_of(event) | {"position": position, "prev_hash": prev_hash})


def content_of(event: Event) -> dict[str, Any]:
    """What an event's hash covers, by name, as an export writes it."""
    return {
        "id": event.pk,
        "tenant_id": event.tenant_id,
        "position": event.position,
        "code": event.code,
        "actor_kind": event.actor_kind,
        "actor_id": event.actor_id,
        "ticket_id": event.ticket_id,
        "subject": event.subject,
        "changed": event.changed,
        "at": event.at.isoformat(),
        "prev_hash": event.prev_hash,
    }


def link_hash(content: Mapping[str, Any]) -> str:
    """The hash of an event told by name; needs no database, so that an export can be checked anywhere."""
    return hashlib.sha256(json.dumps([content[name] for name in HASHED], sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def stamp(limit: int = 500) -> int:
    """Give up to `limit` committed events their position and hash; returns how many. One stamper at a time, others return 0."""
    events = Event.objects.using(SYSTEM)
    if not events.filter(position=None).exists():
        return 0
    with transaction.atomic(using=SYSTEM):
        if ON_POSTGRES:
            with connections[SYSTEM].cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [STAMP_LOCK])
                row = cursor.fetchone()
                if row is None or not row[0]:
                    return 0
        waiting = list(events.filter(position=None).order_by("id")[:limit])
        heads: dict[int, ChainHead] = {}
        for event in waiting:
            head = heads.get(event.tenant_id)
            if head is None:
                head = heads[event.tenant_id] = ChainHead.objects.using(SYSTEM).get_or_create(tenant_id=event.tenant_id)[0]
            event.position, event.prev_hash = head.position + 1, head.hash
            event.hash = event_hash(event, event.position, head.hash)
            head.position, head.hash = event.position, event.hash
        events.bulk_update(waiting, ["position", "prev_hash", "hash"])
        for head in heads.values():
            head.save(using=SYSTEM, update_fields=["position", "hash"])
        # A web process that found this lock taken reads again.
        ring(SYSTEM)
    return len(waiting)


def broken_links(tenant: Tenant) -> list[str]:
    """Every place where the tenant's chain does not hold, as sentences; empty when it verifies."""
    said: list[str] = []
    position, prev_hash = 0, ""
    stamped: QuerySet[Event] = Event.objects.using(SYSTEM).filter(tenant=tenant).exclude(position=None).order_by("position")
    for event in stamped.iterator(chunk_size=2000):
        position += 1
        if event.position != position:
            said.append(f"event {event.pk}: position {event.position} where {position} belongs")
            position = event.position or position
        if event.prev_hash != prev_hash or event.hash != event_hash(event, event.position or 0, event.prev_hash):
            said.append(f"event {event.pk}: its content or its link was changed")
        prev_hash = event.hash
    head = ChainHead.objects.using(SYSTEM).filter(tenant=tenant).first()
    if (head.position if head else 0) != position:
        said.append(f"the chain ends at {position}, its head says {head.position if head else 0}")
    elif head and head.hash != prev_hash:
        said.append("the last event is not the one the chain's head remembers")
    return said


def last_position(tenant: Tenant) -> int:
    """The position a new reader starts after."""
    head = ChainHead.objects.filter(tenant=tenant).first()
    return head.position if head else 0

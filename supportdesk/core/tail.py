"""The web process follows the event log and hints to its open pages; a lost hint delays, never loses.

One task and one thread per process. Hints carry ids only: pages fetch what changed over HTTP, where permissions are checked. Where a ticket
is goes along, so that a page can tell without asking the database whether the hint is for it.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from operator import or_
from typing import NamedTuple, TypedDict

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connections
from django.db.models import Q
from django.utils import timezone

from supportdesk.core import bells, presence
from supportdesk.core.database import SYSTEM
from supportdesk.core.events import stamp
from supportdesk.core.models import ChainHead, Event

log = logging.getLogger("supportdesk.tail")

# Under constant writing the log is read so often and no more.
REST_SECONDS = 0.02


class Place(NamedTuple):
    """Where a ticket is: what decides who may see it."""

    queue_id: int
    assignee_id: int | None
    channel_id: int


class News(NamedTuple):
    """One stamped event; the place is the ticket's when the log was read, None without a ticket."""

    position: int
    ticket_id: int | None
    code: str
    place: Place | None


class NewsHint(TypedDict):
    """Everything new for one group, in order."""

    type: str
    news: list[News]


class PresenceHint(TypedDict):
    """One passing thing about a ticket."""

    type: str
    ticket_id: int
    place: Place | None
    kind: str
    data: dict[str, object]


Hints = list[tuple[str, NewsHint | PresenceHint]]
Locate = Callable[[Collection[int]], dict[int, Place]]
_locate: Locate | None = None


def locate_with(locate: Locate) -> None:
    """Name the reader of tickets' places; tickets are of a floor above."""
    global _locate
    _locate = locate


def tenant_group(tenant_id: int) -> str:
    """The group of everything that happens in one workspace."""
    return f"tenant-{tenant_id}"


def ticket_group(tenant_id: int, ticket_id: int) -> str:
    """The group of one ticket of one workspace."""
    return f"{tenant_group(tenant_id)}-ticket-{ticket_id}"


class Tail:
    """Reads committed events in position order, per tenant, and passes hints on."""

    def __init__(self) -> None:
        self._seen: dict[int, int] | None = None
        self._moment = timezone.now()

    def read(self) -> Hints:
        """Stamp what waits, then return (group, hint) pairs of everything new; three statements find that there is nothing."""
        stamp()
        events, shown = self._events(), presence.since(self._moment)
        ids = {ticket_id for _tenant, _position, ticket_id, _code in events if ticket_id is not None} | {row.ticket_id for row in shown}
        places = _locate(ids) if ids and _locate else {}
        groups: dict[str, list[News]] = {}
        for tenant_id, position, ticket_id, code in events:
            news = News(position, ticket_id, code, places.get(ticket_id) if ticket_id is not None else None)
            groups.setdefault(tenant_group(tenant_id), []).append(news)
            if ticket_id is not None:
                groups.setdefault(ticket_group(tenant_id, ticket_id), []).append(news)
        hints: Hints = [(group, {"type": "news", "news": told}) for group, told in groups.items()]
        for row in shown:
            self._moment = max(self._moment, row.changed_at)
            place = places.get(row.ticket_id)
            hint: PresenceHint = {"type": "presence", "ticket_id": row.ticket_id, "place": place, "kind": row.kind, "data": row.data}
            hints += [(ticket_group(row.tenant_id, row.ticket_id), hint), (tenant_group(row.tenant_id), hint)]
        return hints

    def _events(self) -> list[tuple[int, int, int | None, str]]:
        """What was stamped since the last look, of every tenant: (tenant, position, ticket, code)."""
        heads = dict(ChainHead.objects.using(SYSTEM).values_list("tenant_id", "position"))
        seen = heads if self._seen is None else self._seen
        grown = [
            Q(tenant_id=tenant_id, position__gt=seen.get(tenant_id, 0), position__lte=position)
            for tenant_id, position in heads.items()
            if position > seen.get(tenant_id, 0)
        ]
        events = Event.objects.using(SYSTEM).filter(reduce(or_, grown)) if grown else Event.objects.none()
        rows = events.order_by("tenant_id", "position").values_list("tenant_id", "position", "ticket_id", "code")
        found = [(tenant_id, position or 0, ticket_id, code) for tenant_id, position, ticket_id, code in rows]
        self._seen = heads
        return found


_task: "asyncio.Task[None] | None" = None


async def ensure_running() -> None:
    """Start the process's tail in the running loop, once."""
    global _task
    if _task is None or _task.done() or _task.get_loop() is not asyncio.get_running_loop():
        _task = asyncio.get_running_loop().create_task(_follow())


async def _follow() -> None:
    bell = bells.hang()
    # A thread of its own: pages that check sessions stand in line for the shared one.
    thread = ThreadPoolExecutor(1, "tail")
    try:
        await _pass_on(Tail(), bell, thread)
    finally:
        await bell.close()
        thread.submit(connections.close_all)
        await asyncio.to_thread(thread.shutdown)


async def _pass_on(tail: Tail, bell: bells.Bell, thread: ThreadPoolExecutor) -> None:
    read = database_sync_to_async(tail.read, thread_sensitive=False, executor=thread)
    layer = get_channel_layer()
    rang = True
    while True:
        try:
            hints: Hints = await read()
            for group, hint in hints:
                await layer.group_send(group, hint)
            if not rang and any(hint["type"] == "news" for _group, hint in hints):
                bell.slept_through()
        except Exception:
            log.exception("the tail stumbled and goes on")
            await asyncio.sleep(1)
        await asyncio.sleep(REST_SECONDS)
        rang = await bell.wait(settings.TAIL_SECONDS)

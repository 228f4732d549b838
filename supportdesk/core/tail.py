"""The web process follows the event log and hints to its open pages; a lost hint delays, never loses.

One task per process. Hints carry ids only: pages fetch what changed over HTTP, where permissions are checked.
"""

import asyncio
import logging
from typing import Any, TypedDict

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.utils import timezone

from supportdesk.core import presence
from supportdesk.core.database import SYSTEM
from supportdesk.core.events import stamp
from supportdesk.core.models import ChainHead, Event

log = logging.getLogger("supportdesk.tail")


class News(TypedDict):
    """One hint on the channel layer."""

    type: str
    position: int
    ticket_id: int | None
    code: str


def tenant_group(tenant_id: int) -> str:
    """The group of everything that happens in one workspace."""
    return f"tenant-{tenant_id}"


def ticket_group(ticket_id: int) -> str:
    """The group of one ticket."""
    return f"ticket-{ticket_id}"


class Tail:
    """Reads committed events in position order, per tenant, and passes hints on."""

    def __init__(self) -> None:
        self._seen: dict[int, int] | None = None
        self._moment = timezone.now()

    def read(self) -> list[tuple[str, dict[str, Any]]]:
        """Stamp what waits, then return (group, hint) pairs of everything new."""
        stamp()
        heads = dict(ChainHead.objects.using(SYSTEM).values_list("tenant_id", "position"))
        if self._seen is None:
            self._seen = heads
        hints: list[tuple[str, dict[str, Any]]] = []
        for tenant_id, position in heads.items():
            after = self._seen.get(tenant_id, 0)
            if position > after:
                hints += self._news(tenant_id, after, position)
                self._seen[tenant_id] = position
        return hints + self._presence()

    def _news(self, tenant_id: int, after: int, until: int) -> list[tuple[str, dict[str, Any]]]:
        hints: list[tuple[str, dict[str, Any]]] = []
        rows = Event.objects.using(SYSTEM).filter(tenant_id=tenant_id, position__gt=after, position__lte=until).order_by("position")
        for position, ticket_id, code in rows.values_list("position", "ticket_id", "code"):
            hint = {"type": "news", "position": position, "ticket_id": ticket_id, "code": code}
            hints.append((tenant_group(tenant_id), hint))
            if ticket_id is not None:
                hints.append((ticket_group(ticket_id), hint))
        return hints

    def _presence(self) -> list[tuple[str, dict[str, Any]]]:
        hints: list[tuple[str, dict[str, Any]]] = []
        for row in presence.since(self._moment):
            self._moment = max(self._moment, row.changed_at)
            hint = {"type": "presence", "ticket_id": row.ticket_id, "kind": row.kind, "data": row.data}
            hints += [(ticket_group(row.ticket_id), hint), (tenant_group(row.tenant_id), hint)]
        return hints


_task: "asyncio.Task[None] | None" = None


async def ensure_running() -> None:
    """Start the process's tail in the running loop, once."""
    global _task
    if _task is None or _task.done() or _task.get_loop() is not asyncio.get_running_loop():
        _task = asyncio.get_running_loop().create_task(_follow())


async def _follow() -> None:
    tail = Tail()
    layer = get_channel_layer()
    while True:
        try:
            for group, hint in await database_sync_to_async(tail.read)():
                await layer.group_send(group, hint)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("the tail stumbled and goes on")
            await asyncio.sleep(1)
        await asyncio.sleep(settings.TAIL_SECONDS)

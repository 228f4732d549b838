"""The teammates' socket: which tickets changed, never what changed; pages fetch that over HTTP, where permissions are checked.

The client sends `{"type": "resume", "position": n}`; the server answers `{"type": "ready", "position": n}`, then
`{"type": "changed", "position", "ticket_id", "code"}`, at most five a second. A `ticket_id` of null means: look at everything again.
Passing news of tickets the teammate may see comes as `{"type": "presence", "ticket_id", "kind", "data"}`.
"""

import asyncio
import json
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import constant_time_compare

from supportdesk.core.events import last_position
from supportdesk.core.middleware import membership_of
from supportdesk.core.models import Event, Membership
from supportdesk.core.permissions import may
from supportdesk.core.tail import ensure_running, tenant_group
from supportdesk.core.tenancy import acting_for
from tickets.models import Ticket

FRAME_GAP = 0.2
# A page that missed more than this many tickets looks at everything again.
MANY = 25
BEHIND = 500
WATCH_SECONDS = 3.0
MAX_FRAME = 1_000
RESUMES = 30
SIGNED_OUT, BAD_FRAME = 4401, 4400
# Changes after which a ticket may be out of a teammate's sight: its number is not told, only that counts moved.
MOVES = ("ticket.routed", "ticket.assigned", "ticket.escalated")


class ConsoleSocket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One open page of one teammate; lives exactly as long as their session and membership do."""

    member: Membership | None = None

    async def connect(self) -> None:
        """Let in signed-in teammates only."""
        self._changed: dict[int | None, tuple[int, str]] = {}
        self._wake, self._tasks, self._group = asyncio.Event(), [], ""
        # The newest position heard of, the one up to which nothing was missed, and where the log was a round ago.
        self._position: int | None = None
        self._whole, self._head = 0, 0
        self._resumes = 0
        self.member = await self._who()
        if self.member is None:
            await self.close(SIGNED_OUT)
            return
        self._group = tenant_group(self.member.tenant_id)
        await self.channel_layer.group_add(self._group, self.channel_name)
        await self.accept()
        await ensure_running()
        self._tasks = [asyncio.create_task(self._tell()), asyncio.create_task(self._watch())]

    async def disconnect(self, code: int) -> None:
        """Leave nothing running."""
        for task in getattr(self, "_tasks", []):
            task.cancel()
        if getattr(self, "_group", ""):
            await self.channel_layer.group_discard(self._group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take the one frame there is; close on anything else, without a word about why inside."""
        position = _resumed(text_data)
        self._resumes += 1
        if position is None or self.member is None or self._resumes > RESUMES:
            await self.close(BAD_FRAME)
            return
        now, missed = await self._missed(position)
        self._position = self._whole = max(now, self._position or 0)
        await self._send({"type": "ready", "position": self._position})
        for ticket_id, told in missed.items():
            self._changed[ticket_id] = told
        self._wake.set()

    async def news(self, hint: dict[str, Any]) -> None:
        """A hint of the tail: remember the ticket until the next frame may go out."""
        if self._position is None:
            return
        position = int(hint["position"])
        self._position = max(self._position, position)
        if position == self._whole + 1:
            self._whole = position
        if hint["ticket_id"] is not None:
            self._changed[hint["ticket_id"]] = (position, str(hint["code"]))
            self._wake.set()

    async def presence(self, hint: dict[str, Any]) -> None:
        """Passing news goes straight on, if the teammate may see the ticket."""
        if self._position is not None and await self._visible([hint["ticket_id"]]):
            await self._send({"type": "presence", "ticket_id": hint["ticket_id"], "kind": hint["kind"], "data": hint["data"]})

    async def _tell(self) -> None:
        """Send what changed, one ticket a frame, with a pause after each."""
        while True:
            await self._wake.wait()
            waiting, self._changed = self._changed, {}
            self._wake.clear()
            frames = await self._frames(waiting)
            for frame in frames:
                await self._send(frame)
                await asyncio.sleep(FRAME_GAP)

    async def _frames(self, waiting: dict[int | None, tuple[int, str]]) -> list[dict[str, Any]]:
        newest = max((position for position, _code in waiting.values()), default=0)
        if None in waiting or len(waiting) > MANY:
            return [_changed(newest, None, "many")]
        seen = await self._visible([ticket_id for ticket_id in waiting if ticket_id is not None])
        frames = [_changed(position, ticket_id, code) for ticket_id, (position, code) in waiting.items() if ticket_id in seen]
        if any(code in MOVES for ticket_id, (_position, code) in waiting.items() if ticket_id not in seen):
            frames.append(_changed(newest, None, "moved"))
        return frames

    async def _watch(self) -> None:
        """Close soon after the session or the membership ends; find news whose hint was lost."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = await self._who()
            if now is None or self.member is None or (now.pk, now.role) != (self.member.pk, self.member.role):
                await self.close(SIGNED_OUT)
                return
            await self._catch_up()

    async def _catch_up(self) -> None:
        """Look into the log where hints are missing; those on their way are given one round."""
        if self._position is None:
            return
        if self._whole < self._head:
            self._whole, missed = await self._missed(self._whole)
            self._position = max(self._position, self._whole)
            self._changed |= missed
            if missed:
                self._wake.set()
        self._head = await self._last_position()

    async def _send(self, frame: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(frame))

    @database_sync_to_async  # type: ignore[untyped-decorator]
    def _who(self) -> Membership | None:
        """The membership the session stands for right now, read afresh."""
        session: SessionBase | None = self.scope.get("session")
        key = session.session_key if session is not None else None
        if session is None or not key:
            return None
        store: Any = type(getattr(session, "_wrapped", session))
        fresh = store(key)
        user_id, chosen = fresh.get(SESSION_KEY), fresh.get("membership")
        member = membership_of(int(user_id), chosen) if user_id is not None else None
        if member is None or not may(member, "ticket.list"):
            return None
        hashes = (member.user.get_session_auth_hash(), *member.user.get_session_auth_fallback_hash())
        return member if any(constant_time_compare(fresh.get(HASH_SESSION_KEY, ""), known) for known in hashes) else None

    @database_sync_to_async  # type: ignore[untyped-decorator]
    def _missed(self, position: int) -> tuple[int, dict[int | None, tuple[int, str]]]:
        """Where the log is now, and what changed since the client's position: each ticket once."""
        assert self.member is not None  # noqa: S101
        tenant = self.member.tenant
        now = last_position(tenant)
        if position >= now:
            return now, {}
        if now - position > BEHIND:
            return now, {None: (now, "many")}
        events = Event.objects.filter(tenant=tenant, position__gt=position, position__lte=now).exclude(ticket_id=None).order_by("position")
        return now, {event.ticket_id: (event.position or now, event.code) for event in events}

    @database_sync_to_async  # type: ignore[untyped-decorator]
    def _last_position(self) -> int:
        assert self.member is not None  # noqa: S101
        return last_position(self.member.tenant)

    @database_sync_to_async  # type: ignore[untyped-decorator]
    def _visible(self, ids: list[int]) -> set[int]:
        if not ids or self.member is None:
            return set()
        with acting_for(self.member.tenant):
            return set(Ticket.objects.visible_to(self.member).filter(pk__in=ids).values_list("pk", flat=True))


def _changed(position: int, ticket_id: int | None, code: str) -> dict[str, Any]:
    return {"type": "changed", "position": position, "ticket_id": ticket_id, "code": code}


def _resumed(text: str | None) -> int | None:
    """The position of a resume frame, or None for anything that is not exactly one."""
    if text is None or len(text) > MAX_FRAME:
        return None
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(frame, dict) or set(frame) != {"type", "position"} or frame["type"] != "resume":
        return None
    position = frame["position"]
    if isinstance(position, bool) or not isinstance(position, int) or not 0 <= position < 2**62:
        return None
    return position

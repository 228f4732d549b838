"""The teammates' socket: which tickets changed, never what changed; pages fetch that over HTTP, where permissions are checked.

The client sends `{"type": "resume", "position": n}`; the server answers `{"type": "ready", "position": n}`, then
`{"type": "changed", "position", "ticket_id", "code"}`, at most five a second. A `ticket_id` of null means: look at everything again.
Passing news of tickets the teammate may see comes as `{"type": "presence", "ticket_id", "kind", "data"}`.
"""

import asyncio
import json
from typing import Any, NamedTuple

from channels.db import database_sync_to_async

from supportdesk.accounts.standing import standing_of
from supportdesk.core.events import last_position
from supportdesk.core.models import Event, Membership
from supportdesk.core.sockets import HintedSocket
from supportdesk.core.tail import NewsHint, Place, PresenceHint, ensure_running, tenant_group
from tickets.sight import Sight, places_of, sight_of

FRAME_GAP = 0.2
# A page that missed more than this many tickets looks at everything again.
MANY = 25
BEHIND = 500
WATCH_SECONDS = 3.0
MAX_FRAME = 1_000
RESUMES = 30
SIGNED_OUT, SWITCHED, BAD_FRAME = 4401, 4409, 4400
# Changes after which a ticket may be out of a teammate's sight: its number is not told, only that counts moved.
MOVES = ("ticket.routed", "ticket.assigned", "ticket.escalated")


class Change(NamedTuple):
    """The newest news of one ticket that a page was not told yet."""

    position: int
    code: str
    place: Place | None
    # Whether it may have left somebody's sight meanwhile.
    moved: bool


class Standing(NamedTuple):
    """Who the page belongs to, what they see, and where the log is: read together, three seconds apart."""

    member: Membership
    sight: Sight
    head: int


Changes = dict[int | None, Change]


class ConsoleSocket(HintedSocket):
    """One open page of one teammate; lives exactly as long as their session and membership do."""

    member: Membership | None = None

    async def connect(self) -> None:
        """Let in signed-in teammates only."""
        self._changed: Changes = {}
        self._wake, self._tasks, self._group = asyncio.Event(), [], ""
        # The newest position heard of, the one up to which nothing was missed, and where the log was a round ago.
        self._position: int | None = None
        self._whole, self._head = 0, 0
        self._resumes = 0
        standing = await self._standing()
        if standing is None:
            await self.close(SIGNED_OUT)
            return
        self.member, self._sight, _head = standing
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
        self._note(missed)

    async def news(self, hint: NewsHint) -> None:
        """A hint of the tail: remember the tickets until the next frame may go out."""
        if self._position is None:
            return
        changes: Changes = {}
        for position, ticket_id, code, place in hint["news"]:
            self._position = max(self._position, position)
            if position == self._whole + 1:
                self._whole = position
            if ticket_id is not None:
                _add(changes, ticket_id, Change(position, code, place, code in MOVES))
        self._note(changes)

    async def presence(self, hint: PresenceHint) -> None:
        """Passing news goes straight on, if the teammate may see the ticket."""
        if self._position is not None and self._sight.covers(hint["place"]):
            await self._send({"type": "presence", "ticket_id": hint["ticket_id"], "kind": hint["kind"], "data": hint["data"]})

    def _note(self, changes: Changes) -> None:
        for ticket_id, change in changes.items():
            _add(self._changed, ticket_id, change)
        if changes:
            self._wake.set()

    async def _tell(self) -> None:
        """Send what changed, one ticket a frame, with a pause after each; the first after a silence goes at once."""
        while True:
            await self._wake.wait()
            waiting, self._changed = self._changed, {}
            self._wake.clear()
            newest = max((change.position for change in waiting.values()), default=0)
            if None in waiting or len(waiting) > MANY:
                await self._pace(newest, None, "many")
                continue
            moved = False
            for ticket_id, change in waiting.items():
                # Asked when it is sent, not when it was heard: what the teammate sees may have changed in between.
                if self._sight.covers(change.place):
                    await self._pace(change.position, ticket_id, change.code)
                else:
                    moved |= change.moved
            if moved:
                await self._pace(newest, None, "moved")

    async def _pace(self, position: int, ticket_id: int | None, code: str) -> None:
        await self._send({"type": "changed", "position": position, "ticket_id": ticket_id, "code": code})
        await asyncio.sleep(FRAME_GAP)

    async def _watch(self) -> None:
        """Close soon after the session or the membership ends; see what they see now; find news whose hint was lost."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = await self._standing()
            if now is None or self.member is None or (now.member.pk, now.member.role) != (self.member.pk, self.member.role):
                elsewhere = now is not None and self.member is not None and now.member.pk != self.member.pk
                await self.close(SWITCHED if elsewhere else SIGNED_OUT)
                return
            self._sight = now.sight
            await self._catch_up(now.head)

    async def _catch_up(self, head: int) -> None:
        """Look into the log where hints are missing; those on their way are given one round."""
        if self._position is None:
            return
        if self._whole < self._head:
            self._whole, missed = await self._missed(self._whole)
            self._position = max(self._position, self._whole)
            self._note(missed)
        self._head = head

    async def _send(self, frame: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(frame))

    @database_sync_to_async  # type: ignore[untyped-decorator]
    def _standing(self) -> Standing | None:
        """Whose page it is and what they see right now, read afresh; None when it is nobody's."""
        member = self._who()
        return Standing(member, sight_of(member), last_position(member.tenant)) if member is not None else None

    def _who(self) -> Membership | None:
        """The membership the session stands for right now, read afresh."""
        return standing_of(self.scope.get("session"), "ticket.list")

    @database_sync_to_async  # type: ignore[untyped-decorator]
    def _missed(self, position: int) -> tuple[int, Changes]:
        """Where the log is now, and what changed since the client's position: each ticket once."""
        assert self.member is not None  # noqa: S101
        tenant = self.member.tenant
        now = last_position(tenant)
        if position >= now:
            return now, {}
        many: Changes = {None: Change(now, "many", None, moved=False)}
        if now - position > BEHIND:
            return now, many
        events = Event.objects.filter(tenant=tenant, position__gt=position, position__lte=now).exclude(ticket_id=None).order_by("position")
        changes: Changes = {}
        for at, ticket_id, code in events.values_list("position", "ticket_id", "code"):
            _add(changes, ticket_id, Change(at or now, code, None, code in MOVES))
        if len(changes) > MANY:
            return now, many
        places = places_of([ticket_id for ticket_id in changes if ticket_id is not None]) if changes else {}
        return now, {ticket_id: change._replace(place=places.get(ticket_id or 0)) for ticket_id, change in changes.items()}


def _add(changes: Changes, ticket_id: int | None, change: Change) -> None:
    """Put the newer change in the older one's place; that the ticket moved in either is kept."""
    earlier = changes.get(ticket_id)
    changes[ticket_id] = change._replace(moved=change.moved or (earlier is not None and earlier.moved))


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

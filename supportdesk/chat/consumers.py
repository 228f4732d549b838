"""The customer's socket: takes what they say, hints at what is new. Content is fetched over HTTP, where the session is checked."""

import asyncio
import logging
from collections import deque
from typing import Any

from channels.db import database_sync_to_async
from django.utils import translation
from django.utils.translation import gettext as _

from supportdesk.chat.acts import PRIVATE_NEWS, SessionOver, Standing, Visit, act, spoken, standing, ticket_of
from supportdesk.chat.frames import BadFrame, Frame, parse, told
from supportdesk.chat.places import chat_channel, closed_words
from supportdesk.core.clients import socket_network
from supportdesk.core.sockets import HintedSocket
from supportdesk.core.suspension import Suspended
from supportdesk.core.tail import NewsHint, PresenceHint, ensure_running, ticket_group
from tickets.errors import Refusal

log = logging.getLogger("supportdesk.chat")

BAD, UNKNOWN_SESSION, NO_SUCH_PLACE, NO_HELLO, TOO_MANY, CLOSED, FAILED = 4400, 4401, 4404, 4408, 4429, 4503, 1011
BAD_FRAMES = 3
FRAMES, WITHIN_SECONDS = 60, 10.0
HELLO_SECONDS = 8.0
WATCH_SECONDS = 4.0
TYPING_SECONDS = 3.0
STAGES = frozenset({"reading", "searching", "looking_up", "writing", "checking", "done", "typing"})


class ChatConsumer(HintedSocket):
    """One browser of one customer; says nothing before it has shown its token."""

    async def connect(self) -> None:
        """Accept at an open channel; the session comes with the first frame."""
        at = self.scope["url_route"]["kwargs"]
        self.address: tuple[str, str] = (at["tenant"], at["channel"])
        self.visit: Visit | None = None
        self.ticket_id: int | None = None
        self.position = 0
        self.late_at = -1
        self.bad = 0
        self.is_over = False
        self.arrived: deque[float] = deque(maxlen=FRAMES)
        self.typed_at = -TYPING_SECONDS
        self.watcher: asyncio.Task[None] | None = None
        try:
            channel = await database_sync_to_async(chat_channel)(*self.address)
        except Suspended:
            await self.close(CLOSED)
            return
        if channel is None:
            await self.close(NO_SUCH_PLACE)
            return
        self.tenant_id: int = channel.tenant_id
        await ensure_running()
        await self.accept()
        self.watcher = asyncio.create_task(self.watch())

    async def disconnect(self, code: int) -> None:
        """Leave the ticket's group and stop watching."""
        self.is_over = True
        if self.watcher is not None:
            self.watcher.cancel()
        if self.ticket_id is not None:
            await self.channel_layer.group_discard(ticket_group(self.tenant_id, self.ticket_id), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take one frame: count it, read it, do it."""
        if self.is_over:
            return
        now = asyncio.get_running_loop().time()
        if len(self.arrived) == FRAMES and now - self.arrived[0] < WITHIN_SECONDS:
            await self.end(TOO_MANY)
            return
        self.arrived.append(now)
        try:
            frame = parse(text_data)
            if (self.visit is None) != (frame["type"] == "hello"):
                raise BadFrame
        except BadFrame:
            await self.on_bad_frame()
            return
        try:
            await (self.on_hello(frame) if self.visit is None else self.on_frame(self.visit, frame))
        except SessionOver:
            await self.end(UNKNOWN_SESSION)
        except Suspended:
            await self.end(CLOSED)
        except Exception:
            log.exception("a chat frame failed")
            await self.end(FAILED)

    async def on_bad_frame(self) -> None:
        """Say so, twice; close at the third, and at the first from somebody who did not say hello."""
        self.bad += 1
        if self.visit is None or self.bad >= BAD_FRAMES:
            await self.end(BAD)
        else:
            with translation.override(self.visit.language):
                await self.refuse("frame", None, "bad_frame", _("This was not understood."))

    async def on_hello(self, frame: Frame) -> None:
        """Let a living session in and tell it where it stands."""
        visit = Visit(*self.address, token=frame["token"], language=spoken(frame["language"] or "en"), network=self.network())
        await self.follow(await database_sync_to_async(ticket_of)(visit))
        # Read after joining the group: nothing falls between.
        stands = await database_sync_to_async(standing)(visit, frame["position"])
        self.visit = visit
        self.position = max(self.position, stands.position)
        await self.say("ready", position=stands.position, last_seq=stands.last_seq)
        if stands.missed:
            await self.say("changed", position=stands.position)

    def network(self) -> str:
        """Where the customer sits, as the rate limits count it."""
        return socket_network(self.scope)

    async def on_frame(self, visit: Visit, frame: Frame) -> None:
        """Do one act and answer: ack for a message, pong for a ping, refused with showable words, else a hint to look."""
        name, client_id = frame["type"], frame.get("client_id")
        if name == "typing" and not self.may_type():
            return
        try:
            done = await database_sync_to_async(act)(visit, frame)
        except Refusal as refusal:
            await self.refuse(name, client_id, refusal.code, str(refusal))
            return
        except SessionOver:
            raise
        except Suspended:
            with translation.override(visit.language):
                await self.refuse(name, client_id, "closed", closed_words())
            raise
        except Exception:
            log.exception("chat frame %s failed", name)
            with translation.override(visit.language):
                await self.refuse(name, client_id, "failed", _("That did not work. Please try again."))
            return
        if done.token:
            # Somebody else sits there now: a session of their own, and nothing more of this one.
            await self.say("renewed", token=done.token)
            await self.end(UNKNOWN_SESSION)
            return
        joined = await self.follow(done.ticket_id)
        if name == "send":
            await self.say("ack", client_id=client_id, seq=done.seq)
        elif name == "ping":
            await self.say("pong")
        if joined or name not in ("send", "ping", "typing"):
            await self.say("changed", position=self.position)

    async def refuse(self, name: str, client_id: str | None, code: str, message: str) -> None:
        """Tell what was not done and why, in words for the screen."""
        about = {"client_id": client_id} if client_id else {}
        await self.say("refused", **about, **{"for": name}, code=code, message=message)

    def may_type(self) -> bool:
        """Whether it is time to show once more that the customer types."""
        now = asyncio.get_running_loop().time()
        if now - self.typed_at < TYPING_SECONDS:
            return False
        self.typed_at = now
        return True

    async def follow(self, ticket_id: int | None) -> bool:
        """Join the group of the session's ticket; true when that is new."""
        if ticket_id is None or ticket_id == self.ticket_id:
            return False
        if self.ticket_id is not None:
            await self.channel_layer.group_discard(ticket_group(self.tenant_id, self.ticket_id), self.channel_name)
        self.ticket_id = ticket_id
        await self.channel_layer.group_add(ticket_group(self.tenant_id, ticket_id), self.channel_name)
        return True

    async def watch(self) -> None:
        """Close a socket that never says hello, and one whose session ended, within five seconds; find news whose hint was lost."""
        waited = 0.0
        while not self.is_over:
            await asyncio.sleep(WATCH_SECONDS)
            waited += WATCH_SECONDS
            try:
                if self.visit is not None:
                    stands = await database_sync_to_async(standing)(self.visit, self.position)
                    if await self.follow(stands.ticket_id) or self.is_late(stands):
                        await self.say("changed", position=self.position)
            except SessionOver:
                await self.end(UNKNOWN_SESSION)
            except Suspended:
                await self.end(CLOSED)
            except Exception:
                log.exception("a chat session could not be checked")
            if self.visit is None and waited >= HELLO_SECONDS:
                await self.end(NO_HELLO)

    def is_late(self, stands: Standing) -> bool:
        """Whether news was missed for a whole round: its hint was lost, and the log says so. One on its way is given the time."""
        late = stands.missed and self.late_at == self.position
        self.late_at = self.position if stands.missed else -1
        if late or not stands.missed:
            self.position = max(self.position, stands.position)
        return late

    async def end(self, code: int) -> None:
        """Close, and listen no more to what is still under way."""
        if not self.is_over:
            self.is_over = True
            await self.close(code)

    async def news(self, hint: NewsHint) -> None:
        """Something happened on the ticket: hint that the thread changed."""
        self.position = max(self.position, *(news.position for news in hint["news"]))
        if self.visit is not None and any(not news.code.startswith(PRIVATE_NEWS) for news in hint["news"]):
            await self.say("changed", position=self.position)

    async def presence(self, hint: PresenceHint) -> None:
        """Something passing: the stage the AI is at, or a teammate who writes."""
        data = hint["data"]
        stage = "typing" if hint["kind"] == "typing" and data.get("who") == "teammate" else data.get("stage")
        if self.visit is None or stage not in STAGES or hint["kind"] not in ("progress", "typing"):
            return
        detail = str(data.get("detail") or data.get("name") or "")[:80]
        await self.say("progress", stage=stage, detail=detail)

    async def say(self, name: str, **fields: Any) -> None:
        """Send one frame of the list, unless the socket is over."""
        if not self.is_over:
            await self.send(text_data=told(name, fields))

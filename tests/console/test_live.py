"""The socket: ids of what changed to those who may see it, in order, at a calm pace, and not a moment longer than one may."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import transaction
from django.test import Client

from supportdesk.asgi import application
from supportdesk.console import live
from supportdesk.core import presence
from supportdesk.core.events import last_position, record, stamp
from supportdesk.core.models import Membership, Role
from supportdesk.core.tenancy import acting_for
from tests.factories import World, join_team, make_member, make_ticket, make_world
from tickets.models import Queue, Ticket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tail_ends")]
SECONDS = 8.0


def _cookie(member: Membership) -> str:
    client = Client()
    client.force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _ticket(world: World, body: str = "Hello") -> Ticket:
    with acting_for(world.tenant):
        return make_ticket(world, body)


class Page:
    """One open page; `hear` returns the next frame of a type."""

    def __init__(self, line: WebsocketCommunicator) -> None:
        self.line = line

    async def resume(self, position: int) -> int:
        """Say where the page is and hear where the log is."""
        await self.line.send_json_to({"type": "resume", "position": position})
        return int((await self.hear("ready"))["position"])

    async def hear(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(SECONDS):
            while True:
                frame: dict[str, Any] = await self.line.receive_json_from(SECONDS)
                if frame["type"] == kind:
                    return frame

    async def closed(self) -> int:
        async with asyncio.timeout(SECONDS):
            while True:
                said = await self.line.receive_output(SECONDS)
                if said["type"] == "websocket.close":
                    return int(said["code"])


def _line(cookie: str, origin: bytes = b"http://testserver") -> WebsocketCommunicator:
    headers = [(b"origin", origin), (b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode())]
    return WebsocketCommunicator(application, "/ws/console/", headers=headers)


@asynccontextmanager
async def page_of(member: Membership) -> AsyncIterator[Page]:
    """An accepted socket of a signed-in teammate."""
    line = _line(await database_sync_to_async(_cookie)(member))
    accepted, _code = await line.connect(SECONDS)
    assert accepted
    try:
        yield Page(line)
    finally:
        await line.disconnect()


async def test_only_signed_in_teammates_get_in() -> None:
    acme = await database_sync_to_async(make_world)("acme")
    for line in (_line("nonsense"), _line(await database_sync_to_async(_cookie)(acme.owner), origin=b"https://evil.example")):
        accepted, _code = await line.connect(SECONDS)
        assert not accepted


async def test_a_change_is_told_with_its_ticket_and_position() -> None:
    acme = await database_sync_to_async(make_world)("acme")
    async with page_of(acme.owner) as page:
        position = await page.resume(0)
        ticket = await database_sync_to_async(_ticket)(acme)
        frame = await page.hear("changed")
        assert frame["ticket_id"] == ticket.pk
        assert frame["position"] > position
        assert set(frame) == {"type", "position", "ticket_id", "code"}


async def test_a_page_that_was_away_hears_each_changed_ticket_once() -> None:
    acme = await database_sync_to_async(make_world)("acme")
    tickets = [await database_sync_to_async(_ticket)(acme) for _ in range(3)]
    await database_sync_to_async(stamp)()
    async with page_of(acme.owner) as page:
        await page.resume(0)
        heard = [(await page.hear("changed"))["ticket_id"] for _ in tickets]
        assert sorted(heard) == [ticket.pk for ticket in tickets]
        assert await page.line.receive_nothing(0.6)


async def test_a_page_far_behind_is_told_to_look_at_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEHIND", 1)
    acme = await database_sync_to_async(make_world)("acme")
    await database_sync_to_async(_ticket)(acme)
    await database_sync_to_async(stamp)()
    async with page_of(acme.owner) as page:
        now = await page.resume(0)
        assert await page.hear("changed") == {"type": "changed", "position": now, "ticket_id": None, "code": "many"}


async def test_many_changes_come_at_a_calm_pace() -> None:
    acme = await database_sync_to_async(make_world)("acme")
    async with page_of(acme.owner) as page:
        await page.resume(0)
        loop = asyncio.get_running_loop()
        heard: list[dict[str, Any]] = []
        began = loop.time()
        for _ in range(12):
            await database_sync_to_async(_ticket)(acme)
        while loop.time() - began < 2.0:
            if await page.line.receive_nothing(0.4):
                break
            heard.append(await page.line.receive_json_from())
        spent = max(loop.time() - began, 1.0)
        assert len(heard) <= 5 * spent + 1


async def test_the_first_frame_after_a_silence_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FRAME_GAP", 30.0)
    acme = await database_sync_to_async(make_world)("acme")
    async with page_of(acme.owner) as page:
        await page.resume(0)
        ticket = await database_sync_to_async(_ticket)(acme)
        assert (await page.hear("changed"))["ticket_id"] == ticket.pk


async def test_another_workspace_is_silent_here() -> None:
    acme, globex = [await database_sync_to_async(make_world)(slug) for slug in ("acme", "globex")]
    async with page_of(acme.owner) as page:
        await page.resume(0)
        await database_sync_to_async(_ticket)(globex)
        assert await page.line.receive_nothing(1.0)


def _bob_and_a_foreign_queue(acme: World) -> tuple[Membership, Queue]:
    with acting_for(acme.tenant):
        bob = make_member(acme.tenant, Role.RESPONDER, name="Bob Berg")
        join_team(bob, acme.team)
        return bob, Queue.objects.create(key="secret", name="Secret")


async def test_a_ticket_out_of_sight_is_never_named() -> None:
    acme = await database_sync_to_async(make_world)("acme")
    bob, secret = await database_sync_to_async(_bob_and_a_foreign_queue)(acme)
    ticket = await database_sync_to_async(_ticket)(acme)

    def hide() -> None:
        with acting_for(acme.tenant):
            Ticket.objects.filter(pk=ticket.pk).update(queue=secret)

    def stir() -> None:
        with acting_for(acme.tenant):
            from tickets import verbs

            verbs.note(ticket_id=ticket.pk, by=acme.owner, body="secret")
            presence.show(ticket.pk, "progress", stage="writing", detail="")

    await database_sync_to_async(hide)()
    await database_sync_to_async(stamp)()
    async with page_of(bob) as page:
        await page.resume(await database_sync_to_async(last_position)(acme.tenant))
        await database_sync_to_async(stir)()
        assert await page.line.receive_nothing(1.0)


async def test_what_a_teammate_sees_is_read_again_while_they_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "WATCH_SECONDS", 0.2)
    acme = await database_sync_to_async(make_world)("acme")
    bob, _secret = await database_sync_to_async(_bob_and_a_foreign_queue)(acme)

    def leave() -> None:
        with acting_for(acme.tenant):
            bob.team_links.all().delete()

    async with page_of(bob) as page:
        await page.resume(0)
        first = await database_sync_to_async(_ticket)(acme)
        assert (await page.hear("changed"))["ticket_id"] == first.pk
        await database_sync_to_async(leave)()
        await asyncio.sleep(0.6)
        await database_sync_to_async(_ticket)(acme)
        assert await page.line.receive_nothing(1.0)


async def test_a_ticket_that_leaves_sight_only_moves_the_counts() -> None:
    acme = await database_sync_to_async(make_world)("acme")
    bob, secret = await database_sync_to_async(_bob_and_a_foreign_queue)(acme)
    ticket = await database_sync_to_async(_ticket)(acme)

    def route_away() -> None:
        with acting_for(acme.tenant), transaction.atomic():
            Ticket.objects.filter(pk=ticket.pk).update(queue=secret)
            record("ticket.routed", ticket_id=ticket.pk, changed={"queue": secret.pk})
            record("note.added", ticket_id=ticket.pk)

    await database_sync_to_async(stamp)()
    async with page_of(bob) as page:
        await page.resume(await database_sync_to_async(last_position)(acme.tenant))
        await database_sync_to_async(route_away)()
        frame = await page.hear("changed")
        assert (frame["ticket_id"], frame["code"]) == (None, "moved")


async def test_hints_reach_pages_without_a_question_to_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "WATCH_SECONDS", 60)
    acme = await database_sync_to_async(make_world)("acme")
    bob, _secret = await database_sync_to_async(_bob_and_a_foreign_queue)(acme)
    async with page_of(bob) as page, page_of(bob) as other:
        for each in (page, other):
            await each.resume(0)

        def spoken(*_: object) -> None:
            raise AssertionError("a page asked the database")

        with monkeypatch.context() as patched:
            for name in ("_standing", "_missed"):
                patched.setattr(live.ConsoleSocket, name, spoken)
            patched.setattr("channels.consumer.aclose_old_connections", spoken)
            ticket = await database_sync_to_async(_ticket)(acme)
            for each in (page, other):
                assert (await each.hear("changed"))["ticket_id"] == ticket.pk


async def test_progress_of_the_agent_is_passed_on() -> None:
    acme = await database_sync_to_async(make_world)("acme")
    ticket = await database_sync_to_async(_ticket)(acme)

    def show() -> None:
        with acting_for(acme.tenant):
            presence.show(ticket.pk, "progress", stage="searching", detail="")

    async with page_of(acme.owner) as page:
        await page.resume(0)
        await asyncio.sleep(0.4)
        await database_sync_to_async(show)()
        frame = await page.hear("presence")
        assert (frame["ticket_id"], frame["data"]["stage"]) == (ticket.pk, "searching")


HOSTILE = [
    " ",
    "{}",
    "null",
    "[]",
    "not json",
    "[" * 5000,
    json.dumps({"type": "resume"}),
    json.dumps({"type": "resume", "position": "0"}),
    json.dumps({"type": "resume", "position": -1}),
    json.dumps({"type": "resume", "position": True}),
    json.dumps({"type": "resume", "position": 2**80}),
    json.dumps({"type": "resume", "position": 1.5}),
    json.dumps({"type": "resume", "position": 0, "tenant": 2}),
    json.dumps({"type": "news", "position": 0, "ticket_id": 1}),
    json.dumps({"type": "resume", "position": 0, "pad": "x" * 5000}),
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_frame_that_is_none_of_ours_closes_the_socket_without_a_word(text: str) -> None:
    acme = await database_sync_to_async(make_world)("acme")
    async with page_of(acme.owner) as page:
        await page.line.send_to(text_data=text)
        said = await page.line.receive_output(SECONDS)
        assert (said["type"], said["code"], said.get("reason")) == ("websocket.close", live.BAD_FRAME, None)


async def test_bytes_and_floods_are_refused_too() -> None:
    acme = await database_sync_to_async(make_world)("acme")
    async with page_of(acme.owner) as page:
        await page.line.send_to(bytes_data=b"\x00\xff")
        assert await page.closed() == live.BAD_FRAME
    async with page_of(acme.owner) as page:
        for _ in range(live.RESUMES + 1):
            await page.line.send_json_to({"type": "resume", "position": 0})
        assert await page.closed() == live.BAD_FRAME


@pytest.mark.parametrize("ending", ["session", "membership", "password"])
async def test_the_socket_ends_with_what_it_stands_on(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "WATCH_SECONDS", 0.2)
    acme = await database_sync_to_async(make_world)("acme")

    def end() -> None:
        from django.contrib.sessions.models import Session

        if ending == "session":
            Session.objects.all().delete()
        elif ending == "membership":
            Membership.objects.filter(pk=acme.owner.pk).update(is_active=False)
        else:
            acme.owner.user.set_password("another long password")
            acme.owner.user.save(update_fields=["password"])

    async with page_of(acme.owner) as page:
        await page.resume(0)
        await database_sync_to_async(end)()
        assert await page.closed() == live.SIGNED_OUT


def test_the_watch_is_quick_enough() -> None:
    assert live.WATCH_SECONDS < 5

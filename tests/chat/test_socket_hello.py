"""Before the hello nothing is said; a foreign or ended token closes the socket."""

import json

import pytest
from channels.db import database_sync_to_async
from django.utils import timezone

from supportdesk.chat import consumers
from supportdesk.core.events import last_position, stamp
from supportdesk.core.tenancy import acting_for
from tests.chat.cards import ai_says
from tests.chat.sockets import browser, refused_at
from tests.factories import World, make_session, make_world, say
from tickets import verbs
from tickets.models import Channel, ChatSession, Ticket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tail_ends")]


def open_talk(slug: str = "acme", words: str = "") -> tuple[World, str, Ticket | None]:
    """A shop, the token of a visitor there, and the ticket their words opened."""
    world = make_world(slug)
    with acting_for(world.tenant):
        session, token = make_session(world)
        ticket = say(session, words).ticket if words else None
    stamp()
    return world, token, ticket


def end_session(world: World, field: str) -> None:
    with acting_for(world.tenant):
        ChatSession.objects.update(**{field: timezone.now()})


def close_channel(world: World) -> None:
    with acting_for(world.tenant):
        Channel.objects.update(is_active=False)


make = database_sync_to_async(open_talk)


async def test_a_new_visitor_is_let_in_with_nothing_to_see() -> None:
    _world, token, _ticket = await make()
    async with browser() as line:
        ready = await line.hello(token)
        assert ready["last_seq"] == 0


async def test_a_returning_visitor_learns_the_position_and_the_newest_message() -> None:
    world, token, ticket = await make(words="Hi")
    assert ticket is not None
    async with browser() as line:
        ready = await line.hello(token)
        assert ready["last_seq"] == 1
        assert ready["position"] == await database_sync_to_async(last_position)(world.tenant)
        assert (await line.hear("changed"))["position"] == ready["position"]


async def test_a_private_note_moves_neither_the_newest_message_nor_the_news() -> None:
    world, token, ticket = await make(words="Hi")
    assert ticket is not None

    def leave_a_note() -> int:
        before = last_position(world.tenant)
        with acting_for(world.tenant):
            verbs.note(ticket_id=ticket.pk, by=world.owner, body="CANARY")
        stamp()
        return before

    before = await database_sync_to_async(leave_a_note)()
    async with browser() as line:
        assert (await line.hello(token, before))["last_seq"] == 1
        await line.say("ping")
        assert (await line.line.receive_json_from())["type"] == "pong"


@pytest.mark.parametrize("place", ["acme/nowhere", "nobody/web"])
async def test_a_place_that_is_no_chat_is_not_even_opened(place: str) -> None:
    await make()
    assert await refused_at(place)


async def test_a_page_of_another_site_is_not_let_in() -> None:
    await make()
    assert await refused_at("acme/web", origin=b"https://evil.example")


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "send", "client_id": "a", "text": "Hi"},
        {"type": "ping"},
        {"type": "human"},
        {"type": "confirm", "call": "a", "hash": "b", "yes": True},
        {"type": "hello"},
        {"type": "hello", "token": 7, "position": 0},
        [],
        "hello",
    ],
    ids=json.dumps,
)
async def test_anything_before_the_hello_closes(frame: object) -> None:
    await make()
    async with browser() as line:
        await line.raw(json.dumps(frame))
        assert await line.closed() == consumers.BAD


async def test_a_binary_frame_before_the_hello_closes() -> None:
    await make()
    async with browser() as line:
        await line.line.send_to(bytes_data=b'{"type": "ping"}')
        assert await line.closed() == consumers.BAD


@pytest.mark.parametrize("token", ["", ".", "a.b", "a" * 200, "ünïcode.töken", "\x00.\x00"])
async def test_a_made_up_token_closes(token: str) -> None:
    await make()
    async with browser() as line:
        await line.say("hello", token=token, position=0)
        assert await line.closed() == consumers.UNKNOWN_SESSION


async def test_a_token_of_another_shop_closes() -> None:
    await make()
    _world, token, _ticket = await make("globex", "Mine alone")
    async with browser("acme/web") as line:
        await line.say("hello", token=token, position=0)
        assert await line.closed() == consumers.UNKNOWN_SESSION
    async with browser("globex/web") as line:
        assert (await line.hello(token))["last_seq"] == 1


@pytest.mark.parametrize("field", ["expires_at", "revoked_at"])
async def test_a_session_that_is_over_closes(field: str) -> None:
    world, token, _ticket = await make(words="Hi")
    await database_sync_to_async(end_session)(world, field)
    async with browser() as line:
        await line.say("hello", token=token, position=0)
        assert await line.closed() == consumers.UNKNOWN_SESSION


@pytest.mark.parametrize("field", ["expires_at", "revoked_at"])
async def test_a_session_that_ends_closes_at_the_next_frame(field: str) -> None:
    world, token, _ticket = await make(words="Hi")
    async with browser() as line:
        await line.hello(token)
        await database_sync_to_async(end_session)(world, field)
        await line.say("ping")
        assert await line.closed() == consumers.UNKNOWN_SESSION


async def test_a_session_that_ends_closes_without_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "WATCH_SECONDS", 0.05)
    world, token, _ticket = await make(words="Hi")
    async with browser() as line:
        await line.hello(token)
        await database_sync_to_async(end_session)(world, "revoked_at")
        assert await line.closed() == consumers.UNKNOWN_SESSION


async def test_the_watch_is_quicker_than_five_seconds() -> None:
    assert consumers.WATCH_SECONDS < 5


async def test_a_channel_that_closes_ends_the_talk() -> None:
    world, token, _ticket = await make(words="Hi")
    async with browser() as line:
        await line.hello(token)
        await database_sync_to_async(close_channel)(world)
        await line.say("ping")
        assert await line.closed() == consumers.UNKNOWN_SESSION


async def test_a_socket_that_never_says_hello_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "WATCH_SECONDS", 0.02)
    monkeypatch.setattr(consumers, "HELLO_SECONDS", 0.05)
    await make()
    async with browser() as line:
        assert await line.closed() == consumers.NO_HELLO


async def test_news_reach_only_the_browser_of_that_ticket() -> None:
    world, token, ticket = await make(words="Hi")
    assert ticket is not None

    def another() -> str:
        with acting_for(world.tenant):
            session, other_token = make_session(world)
            say(session, "Hello")
        return other_token

    other_token = await database_sync_to_async(another)()

    def answer() -> None:
        from supportdesk.core.events import AI, record

        with acting_for(world.tenant):
            message = ai_says(ticket, "Yes.")
            record("message.sent", by=AI, ticket_id=ticket.pk, message=message.pk)
        stamp()

    async with browser() as mine, browser() as theirs:
        first = (await mine.hello(token))["position"]
        await mine.hear("changed")
        second = (await theirs.hello(other_token))["position"]
        await theirs.hear("changed")
        await database_sync_to_async(answer)()
        assert (await mine.hear("changed"))["position"] > max(first, second)
        await theirs.say("ping")
        assert (await theirs.line.receive_json_from())["type"] == "pong"

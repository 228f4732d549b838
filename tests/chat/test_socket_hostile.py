"""After the hello too: what is no frame is refused twice and then closes, and floods close at once."""

import json

import pytest
from channels.db import database_sync_to_async

from supportdesk.chat import consumers
from supportdesk.chat.frames import MAX_CHARACTERS
from supportdesk.core.tenancy import acting_for
from tests.chat.sockets import browser
from tests.factories import make_session, make_world
from tickets.models import Message

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tail_ends")]

HOSTILE = [
    "{",
    "[]",
    "null",
    '"ping"',
    '{"type": "eval"}',
    '{"type": "send"}',
    '{"type": "send", "client_id": 1, "text": "x"}',
    '{"type": "confirm", "call": "x", "hash": "y", "yes": "yes"}',
    '{"type": "hello", "token": "a.b", "position": 0}',
    "[" * 50_000,
    json.dumps({"type": "send", "client_id": "a", "text": "x" * MAX_CHARACTERS}),
]


def visitor() -> str:
    world = make_world("acme")
    with acting_for(world.tenant):
        return make_session(world)[1]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:40])
async def test_the_third_bad_frame_closes(text: str) -> None:
    token = await database_sync_to_async(visitor)()
    async with browser() as line:
        await line.hello(token)
        for _ in range(consumers.BAD_FRAMES - 1):
            await line.raw(text)
            assert await line.hear("refused") == {
                "type": "refused",
                "for": "frame",
                "code": "bad_frame",
                "message": "This was not understood.",
            }
        await line.raw(text)
        assert await line.closed() == consumers.BAD


async def test_a_bad_frame_does_not_end_a_talk_that_goes_on_well() -> None:
    token = await database_sync_to_async(visitor)()
    async with browser() as line:
        await line.hello(token)
        await line.raw("{")
        await line.hear("refused")
        await line.say("send", client_id="one", text="Still here")
        await line.hear("ack")


async def test_binary_frames_are_bad_frames() -> None:
    token = await database_sync_to_async(visitor)()
    async with browser() as line:
        await line.hello(token)
        for _ in range(consumers.BAD_FRAMES):
            await line.line.send_to(bytes_data=b"\x00\xff")
        assert await line.closed() == consumers.BAD


async def test_a_flood_closes() -> None:
    token = await database_sync_to_async(visitor)()
    async with browser() as line:
        await line.hello(token)
        for _ in range(consumers.FRAMES):
            await line.say("typing")
        assert await line.closed() == consumers.TOO_MANY


async def test_nothing_that_follows_a_close_is_done() -> None:
    token = await database_sync_to_async(visitor)()
    async with browser() as line:
        await line.hello(token)
        for _ in range(consumers.BAD_FRAMES):
            await line.raw("{")
        await line.say("send", client_id="one", text="Too late")
        assert await line.closed() == consumers.BAD

    def stored() -> int:
        from supportdesk.core.models import Tenant

        with acting_for(Tenant.objects.get()):
            return int(Message.objects.count())

    assert await database_sync_to_async(stored)() == 0

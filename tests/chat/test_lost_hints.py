"""A hint that never comes delays and loses nothing: the socket compares its position with the log."""

import asyncio

import pytest
from channels.db import database_sync_to_async

from supportdesk.chat import consumers
from supportdesk.core import tail
from supportdesk.core.events import stamp
from supportdesk.core.tenancy import acting_for
from tests.chat.sockets import browser
from tests.factories import make_session, make_world, say

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tail_ends")]


async def stop_the_tail() -> None:
    assert tail._task is not None
    tail._task.cancel()
    await asyncio.gather(tail._task, return_exceptions=True)


async def test_a_page_whose_hint_was_lost_hears_of_it_within_two_looks_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "WATCH_SECONDS", 0.3)
    world = await database_sync_to_async(make_world)("acme")

    def visitor() -> tuple[object, str]:
        with acting_for(world.tenant):
            session, token = make_session(world)
            say(session, "Hello")
            stamp()
            return session, token

    def written_elsewhere(session: object) -> None:
        with acting_for(world.tenant):
            say(session, "Are you there?")
        stamp()

    session, token = await database_sync_to_async(visitor)()
    async with browser() as page:
        await page.hello(token)
        await page.settled()
        await stop_the_tail()
        await database_sync_to_async(written_elsewhere)(session)
        frame = await page.hear("changed")
        assert frame["position"] > 0
        assert await page.line.receive_nothing(1.0)

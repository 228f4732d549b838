"""A hint that never comes delays and loses nothing: the teammates' socket compares its position with the log."""

import asyncio

import pytest
from channels.db import database_sync_to_async

from supportdesk.console import live
from supportdesk.core import tail
from supportdesk.core.events import stamp
from tests.console.test_live import _ticket, page_of
from tests.factories import make_world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tail_ends")]


async def test_a_page_whose_hint_was_lost_hears_of_it_within_two_looks_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "WATCH_SECONDS", 0.3)
    acme = await database_sync_to_async(make_world)("acme")
    async with page_of(acme.owner) as page:
        await page.resume(0)
        assert tail._task is not None
        tail._task.cancel()
        await asyncio.gather(tail._task, return_exceptions=True)
        ticket = await database_sync_to_async(_ticket)(acme)
        await database_sync_to_async(stamp)()
        assert (await page.hear("changed"))["ticket_id"] == ticket.pk
        assert await page.line.receive_nothing(1.0)

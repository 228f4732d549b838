"""Announcements: after the commit and not before, once a transaction, and heard again after the line was cut."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from supportdesk.core import bells
from supportdesk.core.events import record, stamp
from supportdesk.core.tail import Tail
from supportdesk.core.tenancy import acting_for
from tests.factories import World


@asynccontextmanager
async def hung() -> AsyncIterator[bells.Announcements]:
    """A bell that listens, and has told so."""
    bell = bells.Announcements()
    assert await bell.wait(5)
    try:
        yield bell
    finally:
        await bell.close()


def taken_back(acme: World) -> None:
    with acting_for(acme.tenant), transaction.atomic():
        record("ticket.opened", ticket_id=1)
        transaction.set_rollback(True)


def partly_taken_back(acme: World) -> None:
    with acting_for(acme.tenant), transaction.atomic():
        with transaction.atomic():
            record("ticket.opened", ticket_id=1)
            transaction.set_rollback(True)
        record("ticket.opened", ticket_id=2)


def kept(acme: World) -> None:
    with acting_for(acme.tenant):
        record("ticket.opened", ticket_id=1)


@pytest.mark.parametrize(("write", "rings"), [(kept, True), (partly_taken_back, True), (taken_back, False)])
async def test_it_rings_for_what_was_committed(acme: World, write: Callable[[World], None], rings: bool) -> None:
    async with hung() as bell:
        await sync_to_async(write)(acme)
        assert await bell.wait(3 if rings else 0.3) is rings
        assert not await bell.wait(0.1)


async def test_it_rings_after_the_commit_and_not_before(acme: World) -> None:
    async with hung() as bell:
        inside, go_on = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def slowly() -> None:
            with acting_for(acme.tenant), transaction.atomic():
                record("ticket.opened", ticket_id=1)
                loop.call_soon_threadsafe(inside.set)
                asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)

        writing = asyncio.create_task(asyncio.to_thread(_closing, slowly))
        await inside.wait()
        assert not await bell.wait(0.2)
        go_on.set()
        assert await bell.wait(3)
        await writing


def _closing(work: Callable[[], None]) -> None:
    try:
        work()
    finally:
        connection.close()


async def test_the_stamp_rings_too_so_that_a_second_web_process_reads_again(acme: World) -> None:
    async with hung() as bell:
        await sync_to_async(kept)(acme)
        assert await bell.wait(3)
        assert await sync_to_async(stamp)() == 1
        assert await bell.wait(3)
        assert await sync_to_async(stamp)() == 0
        assert not await bell.wait(0.2)


async def test_a_cut_line_is_opened_again(acme: World, owner: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bells, "AGAIN_SECONDS", 0.1)
    async with hung() as bell:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = %s AND datname = current_database()"
        assert owner.execute(cut, [f"LISTEN {bells.CHANNEL}"]).fetchall() == [(True,)]
        assert await bell.wait(5), "it listens again, and asks to look for what it did not hear"
        await sync_to_async(kept)(acme)
        assert await bell.wait(3)


def test_one_transaction_announces_once(acme: World, owner: psycopg.Connection[Any]) -> None:
    owner.execute(f"LISTEN {bells.CHANNEL}")
    with acting_for(acme.tenant), transaction.atomic():
        for number in range(5):
            record("ticket.routed", ticket_id=number)
    assert len(list(owner.notifies(timeout=0.5))) == 1


async def test_news_without_announcements_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async with hung() as bell:
        with caplog.at_level(logging.WARNING, "supportdesk.tail"):
            for _ in range(4 * bells.DEAF_AFTER):
                bell.slept_through()
    assert len([row for row in caplog.records if "announces nothing" in row.message]) == 1


def test_a_read_with_nothing_new_is_three_statements(acme: World) -> None:
    tail = Tail()
    tail.read()
    counted = [CaptureQueriesContext(connections[alias]) for alias in ("default", "system")]
    with counted[0], counted[1]:
        assert tail.read() == []
    assert sum(len(asked) for asked in counted) == 3

"""Two shops: *Alice owns Acme, Charlie owns Globex*. Customers write in Acme's chat."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from supportdesk.core import tail
from supportdesk.core.tenancy import acting_for
from tests.factories import World, make_world


@pytest.fixture
def acme(db: None) -> World:
    return make_world("acme")


@pytest.fixture
def globex(db: None) -> World:
    return make_world("globex", owner="Charlie Chu")


@pytest.fixture
def at_acme(acme: World) -> Iterator[World]:
    """Acme, already acting for it."""
    with acting_for(acme.tenant):
        yield acme


@pytest.fixture
async def tail_ends(transactional_db: None) -> AsyncIterator[None]:
    """The process's tail stops before the database is emptied."""
    yield
    if tail._task is not None:
        tail._task.cancel()
        await asyncio.gather(tail._task, return_exceptions=True)
        tail._task = None

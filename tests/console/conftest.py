"""Teammates at their desks: *Alice owns Acme, Bob answers there, Vera only reads; Charlie owns Globex*."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from django.test import Client

from supportdesk.core import tail
from supportdesk.core.models import Membership, Role
from supportdesk.core.tenancy import acting_for
from tests.factories import World, join_team, make_member

Desk = Callable[[Membership], Client]


@pytest.fixture
def at_acme(acme: World) -> Iterator[World]:
    """Acme, already acting for it."""
    with acting_for(acme.tenant):
        yield acme


@pytest.fixture
def bob(at_acme: World) -> Membership:
    """A responder whose team works Acme's one queue."""
    member = make_member(at_acme.tenant, Role.RESPONDER, name="Bob Berg")
    join_team(member, at_acme.team)
    return member


@pytest.fixture
def desk() -> Desk:
    """A signed-in browser of a teammate."""

    def signed_in(member: Membership) -> Client:
        client = Client()
        client.force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")
        # The first request of a session also notes where it is, and reads the workspace's sign-in rules.
        client.get("/healthz")
        return client

    return signed_in


@pytest.fixture
async def tail_ends(transactional_db: None) -> AsyncIterator[None]:
    """The process's tail stops before the database is emptied."""
    yield
    if tail._task is not None:
        tail._task.cancel()
        await asyncio.gather(tail._task, return_exceptions=True)
        tail._task = None

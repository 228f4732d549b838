"""Acme to work in, Globex beside it."""

from collections.abc import Iterator

import pytest

from supportdesk.core.models import Membership, Role
from supportdesk.core.tenancy import acting_for
from tests.factories import World, join_team, make_member, make_world


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """Acme, acted for."""
    acme = make_world("acme")
    with acting_for(acme.tenant):
        yield acme


@pytest.fixture
def globex(db: None) -> World:
    """The other workspace."""
    return make_world("globex", owner="Charlie Chen")


@pytest.fixture
def bob(world: World) -> Membership:
    """A responder in Acme's team."""
    member = make_member(world.tenant, Role.RESPONDER, name="Bob Berg")
    join_team(member, world.team)
    return member

"""Acme's rows, and programs that call."""

import pytest

from tests.api.worlds import Caller, Rows, furnish, new_key
from tests.factories import World


@pytest.fixture
def rows(acme: World) -> Rows:
    return furnish(acme)


@pytest.fixture
def shop(acme: World) -> Caller:
    """A program that may everything a program may."""
    return Caller(new_key(acme))


@pytest.fixture
def alice(acme: World) -> Caller:
    """A program that acts as Alice, who owns Acme."""
    return Caller(new_key(acme, member=acme.owner))

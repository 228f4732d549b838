"""Acme and Globex on PostgreSQL."""

import pytest

from tests.factories import World, make_world


@pytest.fixture
def acme() -> World:
    return make_world("acme")


@pytest.fixture
def globex() -> World:
    return make_world("globex", owner="Charlie Chen")

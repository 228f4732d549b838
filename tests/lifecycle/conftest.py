"""Three people called Ida Ekholm: ours, a neighbour in the same workspace, and one at Globex."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from supportdesk.core.tenancy import acting_for
from tests.factories import World, make_world
from tests.lifecycle.persons import Person, make_person


@pytest.fixture(autouse=True)
def _own_list(settings: Settings, tmp_path: object) -> None:
    from pathlib import Path

    settings.ERASED_LIST = Path(str(tmp_path)) / "kept-apart" / "erased.jsonl"


@pytest.fixture
def make_people() -> Callable[[], tuple[World, Person, Person, Person]]:
    """Acme, the person, the neighbour, the namesake elsewhere."""

    def make() -> tuple[World, Person, Person, Person]:
        acme, globex = make_world("acme"), make_world("globex", owner="Charlie Chen")
        with acting_for(acme.tenant):
            ida, neighbour = make_person(acme, "QX7IDAJK"), make_person(acme, "QX8NEIJK")
        with acting_for(globex.tenant):
            elsewhere = make_person(globex, "QX9ELSJK")
        return acme, ida, neighbour, elsewhere

    return make

"""The fixtures of everything that lives in Norrholt's workspace."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from agents.actions.models import Connector
from agents.knowledge import search
from agents.knowledge.engine.index import VectorIndex
from agents.knowledge.models import Snapshot
from supportdesk.core.tenancy import acting_for
from tests.agents.desk import TOKEN, Desk, ShopProcess, broken_promises, build, open_desk
from tests.agents.images import begin_again, forget, own_database

_kept: dict[str, Any] = {"indexed": {}, "lexical": {}}


def _keep(built: Snapshot) -> None:
    """Remember what this process knows of the image's own passages; what a test added begins anew under the same ids."""
    known = set(built.passage_ids)
    _kept["indexed"] = {place: ids & known for place, ids in search._indexed.items() if place[0] == built.tenant_id}
    _kept["lexical"] = {place: index for place, index in search._lexical.items() if place == (built.tenant_id, built.pk)}


@pytest.fixture(scope="session")
def running_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopProcess]:
    """The shop's process."""
    running = ShopProcess(tmp_path_factory.mktemp("shop") / "shop.sqlite3")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def own_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorIndex]:
    """Chroma in a folder of these tests."""
    with VectorIndex(tmp_path_factory.mktemp("chroma")) as index:
        yield index


@pytest.fixture
def shop(running_shop: ShopProcess) -> ShopProcess:
    """The shop as it opens."""
    running_shop.reset()
    return running_shop


@pytest.fixture(scope="session")
def database_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where Norrholt's rows are; a file, so that threads and other processes can work on them too."""
    yield tmp_path_factory.mktemp("norrholt") / "supportdesk.sqlite3"
    forget()


@pytest.fixture
def desk(
    shop: ShopProcess,
    own_index: VectorIndex,
    database_file: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Desk]:
    """Norrholt in the morning: nobody has written yet."""
    settings.OUTBOUND_PRIVATE_HOSTS = [shop.place]
    settings.DEMO_SHOP_URL, settings.DEMO_SHOP_TOKEN = shop.url, TOKEN
    monkeypatch.setattr(search, "_index", own_index)
    # The image gives every test the same passages, so what the last test indexed is still right.
    search._indexed.update(_kept["indexed"])
    search._lexical.update(_kept["lexical"])
    with django_db_blocker.unblock(), own_database(database_file):
        begin_again(build)
        found = open_desk(shop)
        with acting_for(found.tenant):
            Connector.objects.filter(key="shop").update(base_url=shop.url)
            yield found
            _keep(Snapshot.objects.earliest("id"))


@pytest.fixture
def promises(desk: Desk) -> Iterator[None]:
    """The eight invariants hold when the test is over."""
    yield
    desk.shop.heal()
    found = broken_promises()
    assert not found, "\n".join(found)


__all__ = ["database_file", "desk", "own_index", "promises", "running_shop", "shop"]

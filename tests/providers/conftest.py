"""Norrholt's workspace, and a small server that speaks the providers' protocols."""

from collections.abc import Callable, Iterator

import pytest

from agents.runtime import chain
from tests.agents.desk import Desk
from tests.agents.fixtures import *  # noqa: F403
from tests.providers.server import PROVIDERS, FakeProvider

StartProvider = Callable[[str], FakeProvider]


@pytest.fixture
def provider(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartProvider]:
    """A provider by name: the workspace's release calls it through the genuine client, and nothing else."""
    begun: list[FakeProvider] = []
    chain.chat_model.cache_clear()

    def start(name: str, *chained: str) -> FakeProvider:
        server = FakeProvider(name)
        begun.append(server)
        for variable, value in server.environment.items():
            monkeypatch.setenv(variable, value)
        desk.release(model_chain=[PROVIDERS[name], *chained])
        return server

    yield start
    chain.chat_model.cache_clear()
    for server in begun:
        server.stop()

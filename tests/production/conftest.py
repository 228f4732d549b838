"""The production form's parts, each real: PostgreSQL as in tests/postgres, and a Redis of our own that may be flushed and stopped."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from supportdesk.core.processes import free_port
from tests.postgres.conftest import _database, _empty, _tables  # noqa: F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs both servers."""
    here = str(Path(__file__).parent)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.postgres)
            item.add_marker(pytest.mark.redis)


class PrivateRedis:
    """A Redis server on a port of its own, without files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = Redis(port=self.port, socket_timeout=2)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin, empty."""
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        command = ["redis-server", *where, "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                self.client.ping()
            except RedisError:
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Die, forgetting everything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


@pytest.fixture(scope="session")
def private_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRedis]:
    """Never the machine's own Redis."""
    if shutil.which("redis-server") is None:
        pytest.skip("the program redis-server is not here: apt-get install -y redis-server")
    server = PrivateRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def broker(private_redis: PrivateRedis) -> PrivateRedis:
    """The private Redis, empty, with this process's Celery talking to it."""
    from supportdesk.celery import app

    private_redis.client.flushall()
    app.conf.broker_url = private_redis.url
    app.set_current()
    return private_redis

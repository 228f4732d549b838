"""The whole production form under faults, with five messages a second: each is answered exactly once, and soon.

Reliability 56, 58 and 61. The broker, Celery and Chroma are disposable: the database knows what waits.
"""

import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.production.conftest import PrivateRedis
from tests.production.desk import Desk, drill, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(
    _database: None, private_redis: PrivateRedis, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: object
) -> Iterator[Desk]:
    """One production form for all faults."""
    made = Desk(tmp_path_factory.mktemp("production"), private_redis.url)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(autouse=True)
def _empty() -> None:
    """The tables are not emptied between these tests: the form goes on working."""


def tell(capsys: pytest.CaptureFixture[str], what: str, outcome: object) -> None:
    with capsys.disabled():
        print(f"\n  {what}: {outcome}")


def test_nothing_is_lost_when_redis_is_flushed(desk: Desk, private_redis: PrivateRedis, capsys: pytest.CaptureFixture[str]) -> None:
    tell(capsys, "Redis flushed", drill(lambda: bool(private_redis.client.flushall())))


def test_nothing_is_lost_when_the_broker_stops_and_comes_back_empty(
    desk: Desk, private_redis: PrivateRedis, capsys: pytest.CaptureFixture[str]
) -> None:
    def away() -> None:
        private_redis.stop()
        time.sleep(10)
        private_redis.start()

    tell(capsys, "Redis away for 10 s, back empty", drill(away))


def test_nothing_is_lost_when_a_worker_is_killed(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    def kill() -> None:
        os.kill(desk.pid("worker-1"), signal.SIGKILL)

    tell(capsys, "a Celery worker killed", drill(kill))


def test_nothing_is_lost_when_the_relay_is_killed(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    tell(capsys, "the relay killed", drill(lambda: os.kill(desk.pid("relay"), signal.SIGKILL)))


def test_nothing_is_lost_when_chromas_folder_is_deleted(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    folder = desk.var / "chroma-server"
    assert vectors(folder) > 0
    before = desk.pid("chroma")
    outcome = drill(lambda: shutil.rmtree(folder))
    took = until(lambda: vectors(folder) > 0 and desk.pid("chroma") != before, 30)
    tell(capsys, f"Chroma's folder deleted (filled again {took:.1f} s after the drill)", outcome)


def vectors(folder: Path) -> int:
    """How many vectors Chroma keeps in the folder."""
    if not (folder / "chroma.sqlite3").exists():
        return 0
    try:
        with sqlite3.connect(f"file:{folder / 'chroma.sqlite3'}?mode=ro", uri=True) as db:
            return int(db.execute("SELECT count(*) FROM embeddings").fetchone()[0])
    except sqlite3.OperationalError:
        return 0

"""The bell on SQLite: rings for what others commit, not for what was taken back."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from supportdesk.core import bells


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sqlite3.Connection:
    """A connection that writes to the file the bell hangs at."""
    path = tmp_path / "desk with % and ?.sqlite3"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode=WAL")
    other.execute("CREATE TABLE said (word TEXT)")
    monkeypatch.setitem(bells.connections[bells.SYSTEM].settings_dict, "NAME", path)
    return other


async def test_it_rings_at_the_commit_of_another_connection_and_once(written: sqlite3.Connection) -> None:
    bell = bells.FileVersion()
    assert not await bell.wait(0.05)
    waiting = asyncio.create_task(bell.wait(5))
    written.execute("BEGIN IMMEDIATE")
    written.execute("INSERT INTO said VALUES ('hello')")
    await asyncio.sleep(0.1)
    assert not waiting.done()
    began = asyncio.get_running_loop().time()
    written.execute("COMMIT")
    assert await waiting
    assert asyncio.get_running_loop().time() - began < 0.5
    assert not await bell.wait(0.05)
    await bell.close()


async def test_what_was_written_between_two_waits_rings(written: sqlite3.Connection) -> None:
    bell = bells.FileVersion()
    written.execute("INSERT INTO said VALUES ('hello')")
    assert await bell.wait(0)
    await bell.close()


async def test_what_was_taken_back_does_not_ring(written: sqlite3.Connection) -> None:
    bell = bells.FileVersion()
    written.execute("BEGIN IMMEDIATE")
    written.execute("INSERT INTO said VALUES ('hello')")
    written.execute("ROLLBACK")
    assert not await bell.wait(0.05)
    await bell.close()


async def test_a_closed_file_is_plain_polling(written: sqlite3.Connection) -> None:
    bell = bells.FileVersion()
    await bell.close()
    await bell.wait(0.01)
    assert not await bell.wait(0.01)

"""How a web process learns of a commit at once: a bell that rings when something was written. One that does not ring delays, never loses.

PostgreSQL announces transactions that `ring`, after their commit; SQLite changes a number that costs microseconds to look at.
"""

import asyncio
import logging
import sqlite3
from functools import partial
from typing import Any
from urllib.parse import quote

from django.db import connections, transaction

from supportdesk.core.database import ON_POSTGRES, SYSTEM

if ON_POSTGRES:
    # Without the server its client is not loaded.
    import psycopg

log = logging.getLogger("supportdesk.tail")

CHANNEL = "supportdesk_news"
# A statement of its own, right after the commit: announcing commits take turns, and inside the transaction all would wait for one disk.
# For the same reason it does not wait for the disk itself.
_ANNOUNCE = f"SELECT pg_notify('{CHANNEL}', '') FROM set_config('synchronous_commit', 'off', true)"  # noqa: S608
LOOK_SECONDS = 0.015
AGAIN_SECONDS = 2.0
# So many finds in a row that no announcement came for are no coincidence.
DEAF_AFTER = 3


def ring(using: str = "default") -> None:
    """Announce this transaction's commit to every web process; once, however often it is asked."""
    if not ON_POSTGRES:
        return
    announce = _announcers[using]
    # What waits for the commit lives and dies with its savepoint.
    if not any(entry[1] is announce for entry in connections[using].run_on_commit):
        transaction.on_commit(announce, using=using, robust=True)


def _announce(using: str) -> None:
    line = connections[using].connection
    if line is not None:
        line.execute(_ANNOUNCE)


_announcers = {alias: partial(_announce, alias) for alias in ("default", SYSTEM)}


class Bell:
    """Waits for the next commit, and not longer than told; this one hears nothing, which is plain polling."""

    async def wait(self, seconds: float) -> bool:
        """Whether it rang before the time was up."""
        await asyncio.sleep(seconds)
        return False

    def slept_through(self) -> None:
        """News was found that it had not rung for."""

    async def close(self) -> None:
        """Stop listening."""


class Announcements(Bell):
    """LISTEN on a connection of its own, opened again whenever it is lost."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._slept, self._told = 0, ""
        self._task = asyncio.create_task(self._listen())

    async def wait(self, seconds: float) -> bool:
        """Whether it rang before the time was up."""
        try:
            await asyncio.wait_for(self._rung.wait(), seconds)
        except TimeoutError:
            return False
        self._rung.clear()
        self._slept = 0
        return True

    def slept_through(self) -> None:
        """Say once that announcements do not come, as behind a pooler that lends connections by the transaction."""
        self._slept += 1
        if self._slept == DEAF_AFTER:
            self._say("the database announces nothing (behind a pooler? set DATABASE_SYSTEM_URL): news is found by looking")

    async def close(self) -> None:
        """Hang up."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(**_params(), autocommit=True, connect_timeout=5) as line:
                    await line.execute(f"LISTEN {CHANNEL}")
                    # Whatever was announced while nobody listened.
                    self._rung.set()
                    async for _notice in line.notifies():
                        self._rung.set()
            except (psycopg.Error, OSError) as error:
                self._say(f"the database's announcements are lost ({type(error).__name__}): news is found by looking")
            await asyncio.sleep(AGAIN_SECONDS)

    def _say(self, what: str) -> None:
        if what != self._told:
            self._told = what
            log.warning(what)


class FileVersion(Bell):
    """SQLite's own count of commits by others, read on a connection kept for it; no table is touched."""

    def __init__(self) -> None:
        name = quote(str(connections[SYSTEM].settings_dict["NAME"]))
        self._file = sqlite3.connect(f"file:{name}?mode=ro", uri=True, isolation_level=None)
        self._known = self._version()

    async def wait(self, seconds: float) -> bool:
        """Whether something was written before the time was up."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while True:
            version = self._version()
            if version != self._known:
                self._known = version
                return True
            if (left := until - clock()) <= 0:
                return False
            await asyncio.sleep(min(left, LOOK_SECONDS))

    async def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _version(self) -> int | None:
        try:
            row = self._file.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            return None
        return int(row[0])


def hang() -> Bell:
    """The bell of this database."""
    if ON_POSTGRES:
        return Announcements()
    try:
        return FileVersion()
    except sqlite3.Error:
        return Bell()


def _params() -> dict[str, Any]:
    params = connections[SYSTEM].get_connection_params()
    # These belong to Django's own cursors.
    return {name: value for name, value in params.items() if name not in ("cursor_factory", "context", "prepare_threshold")}

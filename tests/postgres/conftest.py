"""A fresh database on a real PostgreSQL, migrated by its owner; the tests work as the app role, as production does.

pytest-django's own databases stay out of it: they would be created and owned by the role under test.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from psycopg import sql

from tests.postgres.worlds import acme, globex  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the server."""
    here = str(Path(__file__).parent)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.postgres)


def connect(database: str = "") -> psycopg.Connection[Any]:
    """A connection as the owner, outside Django, each statement by itself."""
    parts = urlsplit(settings.DATABASE_URL)
    url = parts._replace(scheme="postgresql", path=f"/{database}" if database else parts.path).geturl()
    return psycopg.connect(url, autocommit=True, connect_timeout=5)


@pytest.fixture(scope="session", autouse=True)
def _database(django_db_blocker: Any) -> Iterator[None]:
    if not settings.ON_POSTGRES:
        yield
        return
    name = sql.Identifier(urlsplit(settings.DATABASE_URL).path.lstrip("/"))
    with connect("postgres") as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        server.execute(sql.SQL("CREATE DATABASE {}").format(name))
    environment = {**os.environ, "DATABASE_AS_OWNER": "1", "DJANGO_SETTINGS_MODULE": "supportdesk.settings"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=environment, check=True)
    with django_db_blocker.unblock():
        yield
        connections.close_all()
    with connect("postgres") as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


@pytest.fixture(scope="session")
def _tables(_database: None) -> list[str]:
    with connect() as db:
        rows = db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
    return [row[0] for row in rows if row[0] not in KEPT]


@pytest.fixture(autouse=True)
def _empty(_database: None, _tables: list[str]) -> Iterator[None]:
    """Every test begins with no rows; the owner empties the tables, since the app role may not.

    Deleting is a hundred times quicker than TRUNCATE, which makes new files for sixty small tables and their indexes.
    """
    with connect() as db, db.transaction():
        db.execute("SET LOCAL session_replication_role = replica")
        for name in _tables:
            db.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
    yield
    for connection in connections.all(initialized_only=True):
        # An open transaction would keep the next test's owner waiting.
        connection.close()


@pytest.fixture
def owner() -> Iterator[psycopg.Connection[Any]]:
    """The owner's connection: sees and may do what the app role may not."""
    with connect() as db:
        yield db

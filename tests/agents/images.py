"""One built workspace, and as many fresh copies of it as there are tests: a file in memory on SQLite, a template on PostgreSQL.

On PostgreSQL the owner migrates and copies; building and every test work as the app role behind the walls, as production does.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from supportdesk.core.database import ON_POSTGRES

ROOT = Path(settings.BASE_DIR)


@contextmanager
def own_database(path: Path) -> Iterator[None]:
    """This process's database is the file at `path`, or one of that name on the server, in every thread, until the end of the block."""
    connections.close_all()
    kept = {alias: connections[alias].settings_dict["NAME"] for alias in connections}
    for alias in connections:
        connections[alias].settings_dict["NAME"] = _name(path) if ON_POSTGRES else str(path)
    try:
        yield
    finally:
        connections.close_all()
        for alias, name in kept.items():
            connections[alias].settings_dict["NAME"] = name


def begin_again(build: Callable[[], None]) -> None:
    """Make the database of the moment equal to the built one; builds it the first time."""
    if ON_POSTGRES:
        template = _template(build)
        connections.close_all()
        fresh = connection.settings_dict["NAME"]
        _as_owner(f'DROP DATABASE IF EXISTS "{fresh}" WITH (FORCE)', f'CREATE DATABASE "{fresh}" TEMPLATE "{template}"')
        return
    picture = _picture(build)
    connection.ensure_connection()
    picture.backup(connection.connection)


@lru_cache(maxsize=1)
def _picture(build: Callable[[], None]) -> sqlite3.Connection:
    call_command("migrate", verbosity=0, interactive=False)
    build()
    picture = sqlite3.connect(":memory:", check_same_thread=False)
    connection.ensure_connection()
    connection.connection.backup(picture)
    return picture


@lru_cache(maxsize=1)
def _template(build: Callable[[], None]) -> str:
    kept, name = connection.settings_dict["NAME"], f"{_base()}_template"
    _as_owner(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
    url = urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl()
    environment = {**os.environ, "DATABASE_URL": url, "DATABASE_AS_OWNER": "1", "DJANGO_SETTINGS_MODULE": "supportdesk.settings"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=environment, check=True)
    for alias in connections:
        connections[alias].settings_dict["NAME"] = name
    try:
        build()
    finally:
        connections.close_all()
        for alias in connections:
            connections[alias].settings_dict["NAME"] = kept
    return name


def forget() -> None:
    """Take the databases of this process off the server."""
    if ON_POSTGRES:
        connections.close_all()
        _as_owner(*(f'DROP DATABASE IF EXISTS "{_base()}_{part}" WITH (FORCE)' for part in ("desk", "template")))


def url_of(name: Any) -> str:
    """The DATABASE_URL of the database of the moment, for processes of ours."""
    return urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl() if ON_POSTGRES else f"sqlite:///{name}"


def _base() -> str:
    return f"{urlsplit(settings.DATABASE_URL).path.lstrip('/')}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"


def _name(path: Path) -> str:
    return f"{_base()}_desk"


def _as_owner(*statements: str) -> None:
    import psycopg

    url = urlsplit(settings.DATABASE_URL)._replace(scheme="postgresql", path="/postgres").geturl()
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as server:
        for statement in statements:
            server.execute(statement)

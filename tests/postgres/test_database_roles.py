"""Reliability 3: the roles the product works as, and what the database says without a tenant, table by table."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections

from supportdesk.core import catalogue
from supportdesk.core.tenancy import acting_for
from tests.factories import World, make_ticket
from tests.ground.unscoped import walled_tables
from tests.postgres.conftest import ROOT

Owner = psycopg.Connection[Any]
APP_LOGIN, SYSTEM_LOGIN = "supportdesk_test_app_login", "supportdesk_test_system_login"
SECRET = "canary-password"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as an operator runs it."""
    owner = {**os.environ, "DATABASE_AS_OWNER": "1", "DJANGO_SETTINGS_MODULE": "supportdesk.settings", **environment}
    return subprocess.run(
        [sys.executable, "manage.py", "database_roles", *arguments], cwd=ROOT, env=owner, capture_output=True, text=True, check=False
    )


@pytest.fixture
def logins(owner: Owner) -> Iterator[tuple[str, ...]]:
    """Arguments that name two logins, which are gone afterwards."""
    yield "--app-login", APP_LOGIN, "--system-login", SYSTEM_LOGIN
    for login in (APP_LOGIN, SYSTEM_LOGIN):
        owner.execute(f"DROP ROLE IF EXISTS {login}".encode())


@pytest.mark.slow
@pytest.mark.reliability(3, "roles")
def test_the_command_makes_logins_that_own_nothing_and_checks_them(owner: Owner, logins: tuple[str, ...]) -> None:
    refused = run("--create", *logins)
    assert refused.returncode == 1
    assert "DATABASE_APP_PASSWORD" in refused.stderr
    made = run("--create", *logins, DATABASE_APP_PASSWORD=SECRET, DATABASE_SYSTEM_PASSWORD=SECRET)
    assert made.returncode == 0, made.stderr
    assert SECRET not in made.stdout + made.stderr
    checked = run("--check", *logins)
    assert (checked.returncode, checked.stdout) == (0, "roles, grants and tenant walls are as declared\n")
    parts = urlsplit(settings.DATABASE_URL)
    url = f"postgresql://{APP_LOGIN}:{SECRET}@{parts.hostname}:{parts.port or 5432}{parts.path}"
    with psycopg.connect(url, autocommit=True) as app:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("SELECT 1 FROM tickets_ticket")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(f"SET ROLE {settings.SYSTEM_ROLE}".encode())
        app.execute(f"SET ROLE {settings.APP_ROLE}".encode())
        assert app.execute("SELECT count(*) FROM tickets_ticket").fetchall() == [(0,)]
    owner.execute(f"GRANT {settings.SYSTEM_ROLE} TO {APP_LOGIN}".encode())
    owner.execute("GRANT TRUNCATE ON tickets_ticket TO PUBLIC")
    try:
        found = run("--check", *logins)
    finally:
        owner.execute("REVOKE TRUNCATE ON tickets_ticket FROM PUBLIC")
    assert found.returncode == 1
    assert found.stdout.splitlines() == [
        "tickets_ticket: PUBLIC may TRUNCATE, which is not declared",
        f"{APP_LOGIN}: may become {settings.SYSTEM_ROLE}",
    ]


@pytest.mark.reliability(3, "roles")
def test_a_login_that_is_not_there_or_too_strong_is_told(owner: Owner) -> None:
    with owner.transaction(force_rollback=True):
        assert f"{APP_LOGIN}: there is no such login" in catalogue.login_findings(owner, APP_LOGIN, SYSTEM_LOGIN)
        owner.execute(f"CREATE ROLE {APP_LOGIN} LOGIN BYPASSRLS".encode())
        said = catalogue.login_findings(owner, APP_LOGIN, SYSTEM_LOGIN)
        assert {f"{APP_LOGIN}: is BYPASSRLS", f"{APP_LOGIN}: may not become {settings.APP_ROLE}"} <= set(said)


@pytest.mark.reliability(3, "roles")
def test_the_app_role_has_no_power_of_its_own_and_becomes_nobody_else() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,) * 5
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname <> current_user AND pg_has_role(current_user, oid, 'MEMBER')")
        assert cursor.fetchall() == []


@pytest.mark.reliability(3, "raw SQL")
def test_no_walled_table_has_a_row_without_a_tenant(owner: Owner, acme: World) -> None:
    with acting_for(acme.tenant):
        make_ticket(acme)
    tables = sorted(walled_tables())
    assert len(tables) > 40
    full = 0
    for table in tables:
        # As the owner, who is bound as well: the count is taken by a superuser, whom nothing binds.
        full += bool(owner.execute(f'SELECT 1 FROM "{table}" LIMIT 1'.encode()).fetchone())
        for statement in (f'SELECT count(*) FROM "{table}"', f'SELECT count(*) FROM "{table}" WHERE tenant_id IS NOT NULL OR true'):
            with connections["default"].cursor() as cursor:
                cursor.execute(statement)
                assert cursor.fetchone() == (0,), table
    assert full > 8


@pytest.mark.reliability(3, "raw SQL")
def test_an_update_or_delete_without_a_tenant_touches_nothing(owner: Owner, acme: World) -> None:
    with acting_for(acme.tenant):
        make_ticket(acme)
    for statement in ("UPDATE tickets_ticket SET subject = ''", "DELETE FROM tickets_message", "DELETE FROM tickets_ticket"):
        with connections["default"].cursor() as cursor:
            cursor.execute(statement)
            assert cursor.rowcount == 0
    assert owner.execute("SELECT count(*) FROM tickets_ticket").fetchall() == [(1,)]

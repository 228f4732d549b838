"""The database's roles: made, and checked against what is declared."""

import os
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import connection
from psycopg import sql

from supportdesk.core import catalogue

# Passwords come from the environment, so that no shell keeps them, and are never printed.
APP_PASSWORD, SYSTEM_PASSWORD = "DATABASE_APP_PASSWORD", "DATABASE_SYSTEM_PASSWORD"


class Command(BaseCommand):
    """Create the app role and the system role, and on request two logins that own nothing; or check roles, grants and walls."""

    help = "Create the database roles (--create), or check roles, grants and tenant walls (--check: exit 1 with a sentence per finding)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """--create or --check, and the logins' names."""
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--create", action="store_true", help="Make what is missing; what is there stays.")
        what.add_argument("--check", action="store_true", help="Compare the database with what is declared.")
        parser.add_argument("--app-login", default="", metavar="ROLE", help=f"Login of DATABASE_URL; its password is {APP_PASSWORD}.")
        parser.add_argument(
            "--system-login", default="", metavar="ROLE", help=f"Login of DATABASE_SYSTEM_URL; its password is {SYSTEM_PASSWORD}."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it as the owner.

        Raises:
            CommandError: without PostgreSQL, with one login and not the other, or a password that is not set.
        """
        if not settings.ON_POSTGRES:
            raise CommandError("Roles belong to PostgreSQL: set DATABASE_URL, and DATABASE_AS_OWNER=1.")
        if options["create"] and not settings.AS_OWNER:
            raise CommandError("Only the owner makes roles: set DATABASE_AS_OWNER=1.")
        logins = options["app_login"], options["system_login"]
        if any(logins) and not all(logins):
            raise CommandError("Name both logins, --app-login and --system-login.")
        if options["create"]:
            self._create(logins if all(logins) else None)
        else:
            self._check(logins if all(logins) else None)

    def _create(self, logins: tuple[str, str] | None) -> None:
        app, system = settings.APP_ROLE, settings.SYSTEM_ROLE
        with _database() as db:
            for role in (app, system):
                self._make(db, role)
            if logins is None:
                return
            for login, variable, role in ((logins[0], APP_PASSWORD, app), (logins[1], SYSTEM_PASSWORD, system)):
                password = os.environ.get(variable, "")
                if not password:
                    raise CommandError(f"Set {variable} to the password of {login}.")
                self._make(db, login)
                db.execute(sql.SQL("ALTER ROLE {} LOGIN NOINHERIT PASSWORD {}").format(sql.Identifier(login), sql.Literal(password)))
                db.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(login)))

    def _make(self, db: psycopg.Connection[Any], role: str) -> None:
        if db.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
            self.stdout.write(f"{role}: is there")
            return
        without = "NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB"
        db.execute(sql.SQL("CREATE ROLE {} " + without).format(sql.Identifier(role)))
        self.stdout.write(f"{role}: made")

    def _check(self, logins: tuple[str, str] | None) -> None:
        with _database() as db:
            said = catalogue.findings(db) + (catalogue.login_findings(db, *logins) if logins else [])
        for line in said:
            self.stdout.write(line)
        if said:
            raise SystemExit(1)
        self.stdout.write("roles, grants and tenant walls are as declared")


def _database() -> Any:
    """Django's own connection as psycopg sees it, in one transaction."""
    connection.ensure_connection()
    return _Transaction(connection.connection)


class _Transaction:
    """Runs in one transaction and leaves the connection open."""

    def __init__(self, db: psycopg.Connection[Any]) -> None:
        self._db = db
        self._block = db.transaction()

    def __enter__(self) -> psycopg.Connection[Any]:
        self._block.__enter__()
        return self._db

    def __exit__(self, *details: Any) -> None:
        self._block.__exit__(*details)

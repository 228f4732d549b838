"""What the database's own catalogue says about the tenant walls: every gap as a sentence that begins with the table's name."""

from typing import Any

import psycopg
from django.apps import apps
from django.conf import settings

from supportdesk.core.signals import has_walls
from supportdesk.core.walls import APPEND_ONLY, CONTROL_PLANE, EMPTIED, FRAMEWORK, READ, RIGHTS_OUTSIDE, STAMPED, WHOLE

Connection = psycopg.Connection[Any]
TABLES = "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
TABLES_OF_TENANTS = (
    "SELECT c.relname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attname = 'tenant_id' "
    "AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
)


def findings(db: Connection) -> list[str]:
    """All gaps in the walls; empty when there are none."""
    tables = {row[0] for row in _rows(db, TABLES)}
    with_tenant = {row[0] for row in _rows(db, TABLES_OF_TENANTS)}
    walled = (with_tenant & tables) - control_plane()
    return [
        *_rows_secured(db, walled),
        *_policies(db, walled),
        *_keys(db, walled),
        *_twins(db, walled, with_tenant),
        *_outside(tables - walled),
        *_rights(db, walled, tables),
        *_models(walled),
        *_roles(db),
    ]


def control_plane() -> set[str]:
    """Tables that may name a tenant without a wall."""
    return {apps.get_model(label)._meta.db_table for label in CONTROL_PLANE}


def _rows(db: Connection, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    return db.execute(statement.encode(), values or None).fetchall()


def _rows_secured(db: Connection, walled: set[str]) -> list[str]:
    found = _rows(db, "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = ANY(%s)", list(walled))
    return [
        f"{table}: {said}"
        for table, is_on, is_forced in found
        for said, holds in (("row-level security is off", is_on), ("row-level security does not bind its owner", is_forced))
        if not holds
    ]


def _policies(db: Connection, walled: set[str]) -> list[str]:
    statement = "SELECT tablename, policyname, roles::text[], cmd, qual, with_check FROM pg_policies WHERE tablename = ANY(%s)"
    found = _rows(db, statement, list(walled))
    said = []
    for table in sorted(walled):
        mine = [row for row in found if row[0] == table]
        for _table, name, roles, command, qual, with_check in mine:
            if roles == [settings.SYSTEM_ROLE] and command == "SELECT":
                continue
            if roles != [settings.APP_ROLE] or command != "ALL" or not (_is_wall(qual) and _is_wall(with_check)):
                said.append(f"{table}: policy {name} lets {', '.join(roles)} around the wall")
        if not any(row[2] == [settings.APP_ROLE] and _is_wall(row[4]) and _is_wall(row[5]) for row in mine):
            said.append(f"{table}: no policy compares tenant_id with the setting")
    return said


def _is_wall(expression: str | None) -> bool:
    # As PostgreSQL prints it back; nullif, because the setting is an empty string after a transaction, not NULL.
    wanted = "(tenant_id=(nullif(current_setting('app.tenant'::text,true),''::text))::bigint)"
    return (expression or "").replace(" ", "").lower() == wanted


def _keys(db: Connection, walled: set[str]) -> list[str]:
    statement = """
        SELECT c.relname, array(SELECT attname::text FROM unnest(i.indkey) k JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE i.indisunique AND i.indpred IS NULL AND c.relname = ANY(%s)"""
    unique: dict[str, list[set[str]]] = {}
    for table, columns in _rows(db, statement, list(walled)):
        unique.setdefault(table, []).append(set(columns))
    keys = dict(_primary_keys(db, walled))
    return [
        f"{table}: no unique key on (tenant_id, {keys.get(table, '?')})"
        for table in sorted(walled)
        if {"tenant_id", keys.get(table, "?")} not in unique.get(table, [])
    ]


def _primary_keys(db: Connection, tables: set[str]) -> list[tuple[str, str]]:
    statement = """
        SELECT c.relname::text, a.attname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] WHERE i.indisprimary AND c.relname = ANY(%s)"""
    return [(str(table), str(column)) for table, column in _rows(db, statement, list(tables))]


def _twins(db: Connection, walled: set[str], with_tenant: set[str]) -> list[str]:
    """For every foreign key to a row that has a tenant: the composite key that keeps it inside."""
    statement = """
        SELECT s.relname::text, t.relname::text,
            array(SELECT attname::text FROM unnest(k.conkey) n JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n),
            k.convalidated
        FROM pg_constraint k JOIN pg_class s ON s.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid
        WHERE k.contype = 'f' AND s.relname = ANY(%s)"""
    keys = [(source, target, frozenset(columns)) for source, target, columns, _ok in _rows(db, statement, list(walled))]
    known = set(keys)
    return [
        f"{source}: the key {column} to {target} does not include tenant_id"
        for source, target, columns in sorted(keys, key=str)
        if len(columns) == 1 and target in with_tenant
        for column in columns
        if (source, target, frozenset({"tenant_id", column})) not in known
    ]


def _outside(tables: set[str]) -> list[str]:
    """Every table without walls is control plane or a named one of the framework."""
    prefixes = tuple(name for name in FRAMEWORK if name.endswith("_"))
    return [
        f"{table}: stands outside the walls and nobody says why"
        for table in sorted(tables - control_plane())
        if table not in FRAMEWORK and not table.startswith(prefixes)
    ]


def declared(table: str, walled: set[str]) -> tuple[frozenset[str], frozenset[str]]:
    """What the app role and the system role may do with the table."""
    if table not in walled:
        return RIGHTS_OUTSIDE.get(table, (WHOLE, READ))
    append_only = {apps.get_model(label)._meta.db_table for label in APPEND_ONLY}
    return (frozenset({"SELECT", "INSERT"}) if table in append_only else WHOLE), READ


def _rights(db: Connection, walled: set[str], tables: set[str]) -> list[str]:
    """Grants of whole tables and of single columns, exactly as declared; nobody else has any but the owner."""
    whole = """
        SELECT c.relname::text, coalesce(r.rolname::text, 'PUBLIC'), x.privilege_type
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x LEFT JOIN pg_roles r ON r.oid = x.grantee
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND x.grantee <> c.relowner"""
    columns = """
        SELECT c.relname::text, coalesce(r.rolname::text, 'PUBLIC'), x.privilege_type || ' (' || a.attname || ')'
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid CROSS JOIN LATERAL aclexplode(a.attacl) x
        LEFT JOIN pg_roles r ON r.oid = x.grantee
        WHERE c.relnamespace = 'public'::regnamespace AND x.grantee <> c.relowner"""
    given = {(table, role, right) for table, role, right in (*_rows(db, whole), *_rows(db, columns))}
    known = walled | control_plane() | {table for table in tables if not _outside({table})}
    wanted = {
        (table, role, right)
        for table in known & tables
        for role, rights in zip((settings.APP_ROLE, settings.SYSTEM_ROLE), declared(table, walled), strict=True)
        for right in rights
    }
    wanted |= {("core_event", settings.SYSTEM_ROLE, f"UPDATE ({column})") for column in STAMPED}
    wanted |= {(table, settings.APP_ROLE, f"UPDATE ({column})") for table, columns in EMPTIED.items() for column in columns}
    return [
        *(f"{table}: {role} may {right}, which is not declared" for table, role, right in sorted(given - wanted)),
        *(f"{table}: {role} may not {right}, which is declared" for table, role, right in sorted(wanted - given)),
    ]


def _models(walled: set[str]) -> list[str]:
    """Every model of a tenant's rows, and the history of one, has a walled table; none hides behind an automatic link table."""
    said = []
    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        if has_walls(model) and table not in walled:
            said.append(f"{table}: belongs to a tenant and has no walls")
        if not model._meta.auto_created:
            continue
        linked = {field.related_model for field in model._meta.concrete_fields if field.related_model}
        if any(isinstance(each, type) and has_walls(each) for each in linked):
            said.append(f"{table}: an automatic link table between tenants' rows")
    return said


def _roles(db: Connection) -> list[str]:
    said = []
    statement = "SELECT rolname::text, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = ANY(%s)"
    found = _rows(db, statement, [settings.APP_ROLE, settings.SYSTEM_ROLE])
    for role, *powers in found:
        names = ("a superuser", "BYPASSRLS", "CREATEROLE", "CREATEDB")
        said += [f"{role}: is {name}" for name, has in zip(names, powers, strict=True) if has]
    if len(found) != 2:
        said.append(f"{settings.APP_ROLE}, {settings.SYSTEM_ROLE}: not both roles exist")
    owners = _rows(db, "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'public'")
    for role in (settings.APP_ROLE, settings.SYSTEM_ROLE):
        for (name,) in owners:
            if _rows(db, "SELECT pg_has_role(%s, %s, 'MEMBER')", role, name)[0][0]:
                said.append(f"{role}: is the owner {name}, or may become it")
    return said + _assumptions(db)


def _assumptions(db: Connection) -> list[str]:
    """Neither role may become another one, least of all each other."""
    statement = """
        SELECT m.rolname::text, r.rolname::text FROM pg_auth_members a
        JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid WHERE m.rolname = ANY(%s)"""
    found = _rows(db, statement, [settings.APP_ROLE, settings.SYSTEM_ROLE])
    return [f"{member}: may become {role}" for member, role in sorted(found)]


def login_findings(db: Connection, app_login: str, system_login: str) -> list[str]:
    """What the logins of a production form may do too much: each becomes its own roles only, owns nothing, has no power."""
    may_become = {app_login: {settings.APP_ROLE}, system_login: {settings.SYSTEM_ROLE}}
    said = []
    for login, roles in may_become.items():
        powers = _rows(db, "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin FROM pg_roles WHERE rolname = %s", login)
        if not powers:
            said.append(f"{login}: there is no such login")
            continue
        names = ("a superuser", "BYPASSRLS", "CREATEROLE", "CREATEDB")
        said += [f"{login}: is {name}" for name, has in zip(names, powers[0], strict=False) if has]
        if not powers[0][-1]:
            said.append(f"{login}: may not log in")
        statement = "SELECT rolname::text FROM pg_roles WHERE rolname <> %s AND pg_has_role(%s, oid, 'MEMBER')"
        become = {row[0] for row in _rows(db, statement, login, login)}
        said += [f"{login}: may become {role}" for role in sorted(become - roles)]
        said += [f"{login}: may not become {role}" for role in sorted(roles - become)]
        if _rows(db, "SELECT 1 FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = %s LIMIT 1", login):
            said.append(f"{login}: owns tables")
    return said

"""Reliability 4: a table of tenants' rows without its walls fails the build."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections

from supportdesk.core.catalogue import control_plane, findings
from supportdesk.core.walls import CONTROL_PLANE, FRAMEWORK

Owner = psycopg.Connection[Any]


@pytest.mark.reliability(4, "catalogue", "references")
def test_every_tenant_table_stands_behind_its_walls(owner: Owner):
    assert findings(owner) == []


def test_the_tests_work_as_the_app_role_and_the_system_role():
    for alias, role in (("default", settings.APP_ROLE), ("system", settings.SYSTEM_ROLE)):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT current_user, (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)")
            assert cursor.fetchone() == (role, False)


@pytest.fixture
def trial(owner: Owner) -> Iterator[Owner]:
    """The owner's connection in a transaction that is taken back: roles belong to the whole server."""
    with owner.transaction(force_rollback=True):
        yield owner


@pytest.mark.reliability(4, "catalogue", "references")
def test_a_table_without_walls_is_found_with_each_thing_it_lacks(trial: Owner):
    trial.execute(
        "CREATE TABLE forgotten_note (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES core_tenant (id), "
        "ticket_id bigint NOT NULL REFERENCES tickets_ticket (id))"
    )
    assert findings(trial) == [
        "forgotten_note: row-level security is off",
        "forgotten_note: row-level security does not bind its owner",
        "forgotten_note: no policy compares tenant_id with the setting",
        "forgotten_note: no unique key on (tenant_id, id)",
        "forgotten_note: the key ticket_id to tickets_ticket does not include tenant_id",
        *(f"forgotten_note: {settings.APP_ROLE} may not {right}, which is declared" for right in ("DELETE", "INSERT", "SELECT", "UPDATE")),
        f"forgotten_note: {settings.SYSTEM_ROLE} may not SELECT, which is declared",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE tickets_ticket DISABLE ROW LEVEL SECURITY", "tickets_ticket: row-level security is off"),
        ("ALTER TABLE tickets_ticket NO FORCE ROW LEVEL SECURITY", "tickets_ticket: row-level security does not bind its owner"),
        ("CREATE POLICY hole ON tickets_ticket USING (true)", "tickets_ticket: policy hole lets public around the wall"),
        ("DROP POLICY tenant_wall ON tickets_ticket", "tickets_ticket: no policy compares tenant_id with the setting"),
        (
            "ALTER POLICY tenant_wall ON tickets_queue USING (tenant_id = current_setting('app.tenant')::bigint)",
            "tickets_queue: no policy compares tenant_id with the setting",
        ),
        ("ALTER TABLE tickets_ticket DROP CONSTRAINT tickets_ticket_wall_key CASCADE", "tickets_ticket: no unique key on (tenant_id, id)"),
        ("GRANT UPDATE (code) ON core_event TO {app}", "core_event: {app} may UPDATE (code), which is not declared"),
        ("GRANT TRUNCATE ON tickets_ticket TO {app}", "tickets_ticket: {app} may TRUNCATE, which is not declared"),
        ("GRANT UPDATE ON runtime_step TO {app}", "runtime_step: {app} may UPDATE, which is not declared"),
        ("GRANT DELETE ON core_event TO {system}", "core_event: {system} may DELETE, which is not declared"),
        ("REVOKE INSERT ON tickets_ticket FROM {app}", "tickets_ticket: {app} may not INSERT, which is declared"),
        ("GRANT SELECT ON tickets_ticket TO PUBLIC", "tickets_ticket: PUBLIC may SELECT, which is not declared"),
        ("GRANT {system} TO {app}", "{app}: may become {system}"),
        ("CREATE TABLE stray (id int)", "stray: stands outside the walls and nobody says why"),
        ("ALTER TABLE tickets_message OWNER TO {app}", "{app}: is the owner {app}, or may become it"),
        ("ALTER ROLE {app} BYPASSRLS", "{app}: is BYPASSRLS"),
    ],
)
def test_a_hole_in_an_existing_wall_is_found(trial: Owner, change: str, said: str):
    roles = {"app": settings.APP_ROLE, "system": settings.SYSTEM_ROLE}
    trial.execute(change.format(**roles).encode())
    assert said.format(**roles) in findings(trial)


def test_the_control_plane_is_the_short_list_everybody_agreed_on():
    tables = set(connection.introspection.table_names())
    assert control_plane() <= tables
    assert all(len(reason) > 10 for reason in {**CONTROL_PLANE, **FRAMEWORK}.values())
    assert control_plane() == {
        *("core_tenant", "core_user", "core_membership", "core_killswitch", "core_apikey"),
        *("core_job", "core_event", "core_chainhead", "core_presence", "core_operatoract"),
        "accounts_passwordreset",
    }

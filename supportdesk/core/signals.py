"""After migrating on PostgreSQL: what the two roles may do with the tables outside the tenant walls."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections

from supportdesk.core.tenancy import TenantModel
from supportdesk.core.walls import READ, RIGHTS_OUTSIDE, STAMPED, WHOLE


def grant_control_plane(using: str, **kwargs: Any) -> None:
    """Give both roles what is declared for the tables outside the walls, and take away everything else."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return
    app, system = settings.APP_ROLE, settings.SYSTEM_ROLE
    existing = set(connection.introspection.table_names())
    walled = {model._meta.db_table for model in apps.get_models(include_auto_created=True) if has_walls(model)}
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {app}, {system}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {app}, {system}")
        for table in sorted(existing - walled):
            for role, rights in zip((app, system), RIGHTS_OUTSIDE.get(table, (WHOLE, READ)), strict=True):
                cursor.execute(f'GRANT {", ".join(sorted(rights))} ON "{table}" TO {role}')
                # Given before the rest is taken: a desk at work never lacks a right it should have.
                rest = sorted({*WHOLE, "TRUNCATE", "REFERENCES", "TRIGGER"} - rights)
                cursor.execute(f'REVOKE {", ".join(rest)} ON "{table}" FROM {role}')
        if "core_event" in existing:
            cursor.execute(f"GRANT UPDATE ({', '.join(STAMPED)}) ON core_event TO {system}")


def has_walls(model: Any) -> bool:
    """Whether the table belongs behind the tenant walls: every TenantModel and the history of one."""
    return issubclass(model, TenantModel) or issubclass(getattr(model, "instance_type", object), TenantModel)

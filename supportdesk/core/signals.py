"""After migrating on PostgreSQL: what the two roles may do with the tables outside the tenant walls."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections

from supportdesk.core.tenancy import TenantModel


def grant_control_plane(using: str, **kwargs: Any) -> None:
    """Give the app role the control plane, except that it may only add to the event log; the system role stamps and claims."""
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
            cursor.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO {app}')
            cursor.execute(f'GRANT SELECT ON "{table}" TO {system}')
        if "core_event" in existing:
            cursor.execute(f"REVOKE UPDATE, DELETE ON core_event FROM {app}")
            cursor.execute(f"REVOKE INSERT, UPDATE, DELETE ON core_chainhead FROM {app}")
            cursor.execute(f"GRANT UPDATE (position, prev_hash, hash) ON core_event TO {system}")
            cursor.execute(f"GRANT INSERT, UPDATE ON core_chainhead TO {system}")
            cursor.execute(f"GRANT UPDATE ON core_job TO {system}")


def has_walls(model: Any) -> bool:
    """Whether the table belongs behind the tenant walls: every TenantModel and the history of one."""
    return issubclass(model, TenantModel) or issubclass(getattr(model, "instance_type", object), TenantModel)

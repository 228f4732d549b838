"""The one migration operation that puts a tenant's tables behind walls (PostgreSQL; nothing to do on SQLite).

For each named model: a unique key on (tenant_id, id), a composite foreign key (tenant_id, fk) beside every foreign key to another
tenant's kind of row, row-level security that binds even the table's owner, and grants for the two roles. A plain foreign key to an
invisible row is accepted under row-level security, so the composite one is what keeps a row from pointing across the wall.
"""

from collections.abc import Collection
from typing import Any

from django.apps.registry import Apps
from django.conf import settings
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState

# Control plane: outside row-level security although they name a tenant, or are one. Each with the reason; the list stays short.
CONTROL_PLANE = {
    "core.Tenant": "it is the tenant",
    "core.User": "one person may work in several workspaces",
    "core.Membership": "which workspace a person works in is read before one is entered",
    "core.KillSwitch": "a switch may stop every workspace at once",
    "core.ApiKey": "the workspace of a request is found through its key",
    "core.Job": "a worker finds the workspace through the job, and takes turns among all",
    "core.Event": "one stamper puts the events of all workspaces in order, and open pages are told of them",
    "core.ChainHead": "the stamper's own row for each workspace",
    "core.Presence": "passing marks that the tail reads for all workspaces, without content",
    "core.OperatorAct": "what operators do to the installation, and to workspaces they are no part of",
    "accounts.PasswordReset": "asked for before anybody is known",
}
# Tables of Django and of libraries, by name or by the beginning of their names: they hold no tenant's rows.
FRAMEWORK = {
    "django_migrations": "which migrations ran",
    "django_content_type": "the names of models",
    "django_session": "signed-in browsers, found before the workspace is known",
    "django_admin_log": "never written: what is done in admin is an event",
    "auth_": "Django's permissions; groups are not used",
    "core_user_groups": "groups are not used",
    "core_user_user_permissions": "Django's permissions of a user are not used",
    "account_": "addresses people sign in with, which belong to people, not to workspaces",
    "mfa_": "second factors of people",
    "socialaccount_": "how people are known to an identity provider",
    "usersessions_": "where people are signed in",
    "axes_": "failed sign-ins, counted before anybody is known",
    "guardian_": "generic grants; ours have tables of their own, behind the walls",
}
WHOLE = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
READ = frozenset({"SELECT"})
# What the app role and the system role may do with tables outside the walls, where it is not everything and reading.
RIGHTS_OUTSIDE = {
    "core_event": (frozenset({"SELECT", "INSERT"}), READ),
    "core_chainhead": (READ, frozenset({"SELECT", "INSERT", "UPDATE"})),
    "core_job": (WHOLE, frozenset({"SELECT", "UPDATE"})),
    "core_operatoract": (frozenset({"SELECT", "INSERT"}), READ),
    "django_migrations": (READ, READ),
}
# The only columns of an event that the system role may write: the stamper's.
STAMPED = ("position", "prev_hash", "hash")
# Rows the app role may add and read, never change or take away.
APPEND_ONLY = frozenset({"runtime.Step", "policies.PromptVersion", "policies.PolicyVersion", "lifecycle.ErasedSubject"})
# Columns of append-only rows that the app role may empty, and a trigger lets it do nothing else with (docs/decisions/0021).
EMPTIED = {"runtime_step": ("input", "output")}


class TenantWalls(Operation):
    """Put the named models of this app behind the tenant walls; `TenantWalls("Ticket", "Message")`."""

    reversible = True
    category = OperationCategory.SQL

    def __init__(self, *names: str) -> None:
        self.names = names

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """The operation as a migration file writes it."""
        return "TenantWalls", list(self.names), {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Walls are no part of Django's model state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Raise the walls."""
        if schema_editor.connection.vendor != "postgresql":
            return
        found = [to_state.apps.get_model(app_label, name) for name in self.names]
        for model in found:
            for statement in key_statements(model):
                schema_editor.execute(statement)
        for model in found:
            for statement in wall_statements(model):
                schema_editor.execute(statement)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Take the walls down again."""
        if schema_editor.connection.vendor != "postgresql":
            return
        apps: Apps = from_state.apps
        for name in self.names:
            table = apps.get_model(app_label, name)._meta.db_table
            schema_editor.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
            schema_editor.execute(f'DROP POLICY IF EXISTS tenant_wall ON "{table}"')
            schema_editor.execute(f'DROP POLICY IF EXISTS system_reads ON "{table}"')

    def describe(self) -> str:
        """What `migrate` prints."""
        return f"Tenant walls for {', '.join(self.names)}"


def key_statements(model: type[models.Model]) -> list[str]:
    """The unique (tenant_id, id) that composite foreign keys point at."""
    table, key = model._meta.db_table, model._meta.pk.column
    return [f'ALTER TABLE "{table}" ADD CONSTRAINT "{table[:50]}_wall_key" UNIQUE (tenant_id, "{key}")']


def reference_statements(model: type[models.Model], only: Collection[str] = ()) -> list[str]:
    """The composite foreign keys beside the model's plain ones, or beside the named ones of them."""
    table = model._meta.db_table
    statements = []
    for field in model._meta.concrete_fields:
        target = field.related_model
        if not isinstance(field, models.ForeignKey) or isinstance(target, str) or target is None:
            continue
        if not getattr(field, "db_constraint", True) or (only and field.name not in only):
            continue
        if not any(each.name == "tenant" for each in target._meta.concrete_fields):
            continue
        statements.append(
            f'ALTER TABLE "{table}" ADD CONSTRAINT "{table[:35]}_{field.column[:20]}_wall" FOREIGN KEY (tenant_id, "{field.column}") '
            f'REFERENCES "{target._meta.db_table}" (tenant_id, "{target._meta.pk.column}") DEFERRABLE INITIALLY DEFERRED'
        )
    return statements


def wall_statements(model: type[models.Model]) -> list[str]:
    """Composite foreign keys, row-level security and grants of one table."""
    table = model._meta.db_table
    mine = "tenant_id = nullif(current_setting('app.tenant', true), '')::bigint"
    rights = "SELECT, INSERT" if model._meta.label in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
    return [
        *reference_statements(model),
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        f'CREATE POLICY tenant_wall ON "{table}" TO {settings.APP_ROLE} USING ({mine}) WITH CHECK ({mine})',
        f'CREATE POLICY system_reads ON "{table}" FOR SELECT TO {settings.SYSTEM_ROLE} USING (true)',
        f'REVOKE ALL ON "{table}" FROM {settings.APP_ROLE}',
        f'GRANT {rights} ON "{table}" TO {settings.APP_ROLE}',
        f'GRANT SELECT ON "{table}" TO {settings.SYSTEM_ROLE}',
    ]


class ReferenceWalls(Operation):
    """Put foreign keys that a walled table got later behind the same wall; `ReferenceWalls("ToolCall", "requested_by")`."""

    reversible = True
    category = OperationCategory.SQL

    def __init__(self, name: str, *fields: str) -> None:
        self.name, self.fields = name, fields

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """The operation as a migration file writes it."""
        return "ReferenceWalls", [self.name, *self.fields], {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Walls are no part of Django's model state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Add the composite keys."""
        if schema_editor.connection.vendor == "postgresql":
            for statement in reference_statements(to_state.apps.get_model(app_label, self.name), self.fields):
                schema_editor.execute(statement)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Nothing to do: the keys go with their columns."""

    def describe(self) -> str:
        """What `migrate` prints."""
        return f"Tenant walls for {', '.join(self.fields)} of {self.name}"


class CreateRoles(Operation):
    """Make the app role and the system role, unless the server has them; neither owns tables nor walks around the walls."""

    reversible = True
    category = OperationCategory.SQL

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Roles are no part of Django's model state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Make them, and let whoever migrates assume them."""
        if schema_editor.connection.vendor != "postgresql":
            return
        for role in (settings.APP_ROLE, settings.SYSTEM_ROLE):
            schema_editor.execute(
                f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS; "
                "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
            )
            schema_editor.execute(f"GRANT {role} TO current_user")

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Leave them: another database of the server may use them."""

    def describe(self) -> str:
        """What `migrate` prints."""
        return "Database roles"

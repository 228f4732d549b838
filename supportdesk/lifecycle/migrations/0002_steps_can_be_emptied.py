"""The app role may empty a step of a resolved ticket; a trigger lets it do nothing else with one (docs/decisions/0021)."""

from django.conf import settings
from django.db import migrations
from django.db.migrations.operations.base import Operation, OperationCategory

FUNCTION = """
CREATE FUNCTION lifecycle_only_emptied() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF NEW.input <> '{}'::jsonb OR NEW.output <> '{}'::jsonb THEN
    RAISE EXCEPTION 'A step of a trace is emptied or stays as it is.' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM runtime_agentrun r JOIN tickets_ticket t ON t.id = r.ticket_id
                 WHERE r.id = NEW.run_id AND r.state <> 'running' AND t.status = 'resolved') THEN
    RAISE EXCEPTION 'A step is emptied when its ticket is resolved.' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $body$
"""


class LetStepsBeEmptied(Operation):
    """Column grants for the app role, and the trigger that narrows them; nothing to do on SQLite."""

    reversible = True
    category = OperationCategory.SQL

    def state_forwards(self, app_label, state):
        """Grants are no part of Django's model state."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        """Give them."""
        if schema_editor.connection.vendor != "postgresql":
            return
        schema_editor.execute(FUNCTION)
        schema_editor.execute(
            "CREATE TRIGGER step_only_emptied BEFORE UPDATE ON runtime_step FOR EACH ROW "
            f"WHEN (current_user = '{settings.APP_ROLE}') EXECUTE FUNCTION lifecycle_only_emptied()"
        )
        schema_editor.execute(f"GRANT UPDATE (input, output) ON runtime_step TO {settings.APP_ROLE}")

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        """Take them away."""
        if schema_editor.connection.vendor != "postgresql":
            return
        schema_editor.execute(f"REVOKE UPDATE (input, output) ON runtime_step FROM {settings.APP_ROLE}")
        schema_editor.execute("DROP TRIGGER step_only_emptied ON runtime_step")
        schema_editor.execute("DROP FUNCTION lifecycle_only_emptied()")

    def describe(self):
        """What `migrate` prints."""
        return "Steps can be emptied"


class Migration(migrations.Migration):
    dependencies = [
        ("lifecycle", "0001_data"),
        ("runtime", "0001_trace"),
    ]

    operations = [LetStepsBeEmptied()]

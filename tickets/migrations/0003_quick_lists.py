"""Each order of the list of tickets walks an index; open tickets are few, so theirs are small."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Coalesce

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
OPEN = ~models.Q(status="resolved")
WAITS = Coalesce("waiting_since", models.Value(NEVER), output_field=models.DateTimeField())


class Add(AddIndexConcurrently):
    """While people work on PostgreSQL; plainly on SQLite."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.AddIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)


class Remove(RemoveIndexConcurrently):
    """While people work on PostgreSQL; plainly on SQLite."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.RemoveIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.RemoveIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):

    atomic = False
    dependencies = [("tickets", "0002_reason_approval_expired")]

    operations = [
        Add("ticket", models.Index("tenant", models.F("priority").desc(), WAITS, "id", condition=OPEN, name="ticket_urgent")),
        Add("ticket", models.Index("tenant", "assignee", models.F("priority").desc(), WAITS, "id", condition=OPEN, name="ticket_mine")),
        Add("ticket", models.Index("tenant", WAITS, "id", condition=OPEN, name="ticket_waiting")),
        Add("ticket", models.Index(fields=["tenant", "-last_message_at", "-id"], condition=OPEN, name="ticket_newest")),
        Add("ticket", models.Index(fields=["tenant", "-last_message_at", "-id"], condition=models.Q(status="resolved"), name="ticket_resolved")),
        Add("ticket", models.Index(fields=["tenant", "queue", "handler", "assignee"], condition=OPEN, name="ticket_counts")),
        Remove("ticket", "ticket_list"),
        Remove("ticket", "ticket_queue_page"),
    ]

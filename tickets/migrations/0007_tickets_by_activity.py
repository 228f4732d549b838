"""The API's list by activity, open and resolved ones together, walks an index."""

from importlib import import_module

from django.db import migrations, models

quick_lists = import_module("tickets.migrations.0003_quick_lists")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tickets", "0006_counts_by_channel")]

    operations = [
        quick_lists.Add(
            model_name="ticket",
            index=models.Index(fields=["tenant", "-last_message_at", "-id"], name="ticket_by_activity"),
        ),
    ]

"""Private queues and channels, and grants that let single teammates into a channel."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from supportdesk.core.walls import TenantWalls

OF_A_QUEUE = models.BooleanField(
    default=False, help_text="Only its teams and people with a grant see its tickets, whatever their role."
)
OF_A_CHANNEL = models.BooleanField(default=False, help_text="Only people with a grant see its tickets, whatever their role.")


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("core", "0004_jobs_have_tenants"),
        ("tickets", "0004_signed_identity"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(model_name="channel", name="is_private", field=OF_A_CHANNEL),
        migrations.AddField(model_name="historicalchannel", name="is_private", field=OF_A_CHANNEL),
        migrations.AddField(model_name="queue", name="is_private", field=OF_A_QUEUE),
        migrations.AddField(model_name="historicalqueue", name="is_private", field=OF_A_QUEUE),
        migrations.CreateModel(
            name="ChannelGrant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("content_object", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="tickets.channel")),
                ("permission", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="auth.permission")),
                (
                    "tenant",
                    models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.tenant"),
                ),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
            options={"abstract": False, "unique_together": {("user", "permission", "content_object")}},
        ),
        TenantWalls("ChannelGrant"),
    ]

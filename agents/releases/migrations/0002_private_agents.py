"""Private agents, and grants that let single teammates see one."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from supportdesk.core.walls import TenantWalls

PRIVATE = models.BooleanField(
    default=False, help_text="Only people with a grant see how it is set up, its releases and its traces, whatever their role."
)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("core", "0004_jobs_have_tenants"),
        ("releases", "0001_first_form"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(model_name="agent", name="is_private", field=PRIVATE),
        migrations.AddField(model_name="historicalagent", name="is_private", field=PRIVATE),
        migrations.CreateModel(
            name="AgentGrant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("content_object", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="releases.agent")),
                ("permission", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="auth.permission")),
                (
                    "tenant",
                    models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.tenant"),
                ),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
            options={"abstract": False, "unique_together": {("user", "permission", "content_object")}},
        ),
        TenantWalls("AgentGrant"),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0004_jobs_have_tenants")]

    operations = [
        migrations.AddIndex(model_name="event", index=models.Index(fields=["tenant", "-at", "-id"], name="event_newest")),
        migrations.AddIndex(model_name="event", index=models.Index(fields=["tenant", "code", "-at", "-id"], name="event_of_code")),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["tenant", "actor_kind", "actor_id", "-at", "-id"], name="event_of_actor"),
        ),
    ]

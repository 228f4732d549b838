from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0005_operator_acts")]

    operations = [
        migrations.AddIndex(model_name="event", index=models.Index(fields=["tenant", "-id"], name="event_newest")),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["tenant", "actor_kind", "actor_id", "-id"], name="event_of_actor"),
        ),
    ]

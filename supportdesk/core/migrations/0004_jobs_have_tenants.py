"""Every job belongs to a tenant: finished ones of nobody go, one that still waits stops the migration."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def settle_jobs_of_nobody(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Drop finished jobs without a tenant.

    Raises:
        RuntimeError: when one without a tenant is not finished: nobody can say for whom it should run.
    """
    jobs = apps.get_model("core", "Job").objects.using(schema_editor.connection.alias).filter(tenant=None)
    jobs.filter(state__in=("done", "dead")).delete()
    if waiting := jobs.values_list("pk", "name").first():
        raise RuntimeError(f"Job {waiting[0]} ({waiting[1]}) has no tenant and is not finished. Finish or delete it, then migrate again.")


class Migration(migrations.Migration):
    dependencies = [("core", "0003_keys")]

    operations = [
        migrations.RunPython(settle_jobs_of_nobody, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="job",
            name="tenant",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="core.tenant"),
        ),
    ]

"""The ground every other app stands on."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CoreConfig(AppConfig):
    """Tenants, people, the event log, jobs, files, secrets and the outbound door."""

    name = "supportdesk.core"
    label = "core"

    def ready(self) -> None:
        """Register the system checks, the hourly job, and the grants that follow a migration."""
        from supportdesk.core import checks, jobs  # noqa: F401
        from supportdesk.core.housekeeping import every
        from supportdesk.core.signals import grant_control_plane

        jobs.register("core.export_head", "supportdesk.core.heads.export_head")
        every(60, "supportdesk.core.heads.export_due")
        post_migrate.connect(grant_control_plane, dispatch_uid="grant_control_plane")

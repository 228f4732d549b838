"""How long things stay: retention, legal hold, export and erasure of a customer."""

from django.apps import AppConfig


class LifecycleConfig(AppConfig):
    """How long things stay: retention, legal hold, export and erasure of a customer."""

    name = "supportdesk.lifecycle"
    label = "lifecycle"
    verbose_name = "Data"

    def ready(self) -> None:
        """Name the jobs of this app, what is done every hour, where originals of masked messages go, and what moves with a ticket."""
        from supportdesk.core.housekeeping import every
        from supportdesk.core.jobs import register
        from tickets.identity import when_moved
        from tickets.writing import keep_originals_with

        register("lifecycle.apply_schedules", "supportdesk.lifecycle.schedules.apply_schedules", max_attempts=3)
        register("lifecycle.export", "supportdesk.lifecycle.exports.make_export", max_attempts=3)
        register("lifecycle.end_export", "supportdesk.lifecycle.exports.end_export")
        erasing = "supportdesk.lifecycle.erasing"
        register("lifecycle.erase", f"{erasing}.erase", on_dead=f"{erasing}.gave_up", max_attempts=8)
        every(3600, "supportdesk.lifecycle.schedules.ask_for_schedules")
        when_moved("supportdesk.lifecycle.holds.go_along")
        keep_originals_with("supportdesk.lifecycle.originals.keep")

"""Work to be done after the commit, as rows."""

from django.db import models
from django.db.models.functions import Now


class Job(models.Model):
    """One piece of work: claimed by a lease, retried with backoff, dead and visible when nothing helped."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        DEAD = "dead"

    tenant = models.ForeignKey("core.Tenant", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=80)
    args = models.JSONField(default=dict, help_text="Ids only.")
    dedupe = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    run_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=5)
    lease_owner = models.CharField(max_length=60, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)
    published_at = models.DateTimeField(null=True, blank=True, help_text="When the relay last gave its id to the broker.")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name", "dedupe"], condition=models.Q(state="queued") & ~models.Q(dedupe=""), name="job_waits_once"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "run_at", "id"], condition=models.Q(state="queued"), name="job_due"),
            models.Index(fields=["lease_until"], condition=models.Q(state="running"), name="job_leased"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"

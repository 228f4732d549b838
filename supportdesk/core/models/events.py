"""The event log, which is the audit trail; and presence, which is neither."""

from django.db import models
from django.db.models.functions import Now


class Event(models.Model):
    """One change of state, written in the same transaction; ids and changed field names only, never content or personal data.

    `position` and the hash link are given later by the stamper, in commit order: 1..n for each tenant.
    """

    tenant = models.ForeignKey("core.Tenant", on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=12, help_text="system, ai, customer, teammate, service or operator")
    actor_id = models.BigIntegerField(null=True)
    ticket_id = models.BigIntegerField(null=True)
    subject = models.JSONField(default=dict, help_text="Ids of the rows it is about, by their kind.")
    changed = models.JSONField(default=dict, help_text="Changed field names, or the diff of a configuration.")
    at = models.DateTimeField(db_default=Now())
    position = models.BigIntegerField(null=True, editable=False)
    prev_hash = models.CharField(max_length=64, blank=True, editable=False)
    hash = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "position"], name="event_position_once")]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(position=None), name="event_unstamped"),
            models.Index(fields=["tenant", "ticket_id", "id"], name="event_of_ticket"),
            models.Index(fields=["tenant", "-id"], name="event_newest"),
            models.Index(fields=["tenant", "actor_kind", "actor_id", "-id"], name="event_of_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.code} #{self.position or '…'}"


class ChainHead(models.Model):
    """The last position and hash of one tenant's event chain; the stamper's own row."""

    tenant = models.OneToOneField("core.Tenant", on_delete=models.PROTECT, primary_key=True, related_name="+")
    position = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="", blank=True)

    def __str__(self) -> str:
        return f"{self.tenant_id} at {self.position}"


class Presence(models.Model):
    """Something passing about a ticket, such as the AI's progress; overwritten, never kept, never audited."""

    tenant = models.ForeignKey("core.Tenant", on_delete=models.CASCADE, related_name="+")
    ticket_id = models.BigIntegerField()
    kind = models.CharField(max_length=20)
    data = models.JSONField(default=dict)
    changed_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "ticket_id", "kind"], name="presence_once")]

    def __str__(self) -> str:
        return f"{self.kind} of ticket {self.ticket_id}"

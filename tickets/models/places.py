"""Channels customers write through, and queues teammates work."""

from typing import ClassVar

from django.db import models
from guardian.managers import UserObjectPermissionManager
from guardian.models import UserObjectPermissionBase
from simple_history.models import HistoricalRecords

from supportdesk.core.models import Brand, Environment, Membership, Team
from supportdesk.core.tenancy import TenantManager, TenantModel


class Channel(TenantModel):
    """A way in and out."""

    class Kind(models.TextChoices):
        CHAT = "chat", "Chat"
        EMAIL = "email", "Email"
        FORM = "form", "Web form"
        API = "api", "API"
        MESSAGING = "messaging", "Messaging"

    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="channels")
    key = models.SlugField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    name = models.CharField(max_length=80)
    environment = models.CharField(max_length=4, choices=Environment.choices, default=Environment.LIVE)
    is_active = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="channel_key_once")]

    def __str__(self) -> str:
        return self.name


class Queue(TenantModel):
    """A pile of work; teams work queues."""

    key = models.SlugField()
    name = models.CharField(max_length=80)
    icon = models.CharField(max_length=20, default="inbox")
    language = models.CharField(max_length=8, blank=True, help_text="Takes tickets of this language first; empty: any.")
    intents = models.JSONField(default=list, blank=True, help_text="Intents that belong here.")
    position = models.PositiveSmallIntegerField(default=0)
    is_fallback = models.BooleanField(default=False, help_text="Takes what belongs nowhere else.")
    history = HistoricalRecords()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="queue_key_once"),
            models.UniqueConstraint(fields=["tenant"], condition=models.Q(is_fallback=True), name="queue_one_fallback"),
        ]

    def __str__(self) -> str:
        return self.name


class QueueTeam(TenantModel):
    """One team working one queue."""

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="team_links")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="queue_links")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["queue", "team"], name="queue_team_once")]

    def __str__(self) -> str:
        return f"{self.team} works {self.queue}"


class GrantManager(TenantManager["QueueGrant"], UserObjectPermissionManager):
    """guardian's words for giving and taking grants, inside the workspace being acted for."""


class QueueGrant(UserObjectPermissionBase, TenantModel):
    """A single teammate let into one queue beyond their teams (guardian's direct grant)."""

    content_object = models.ForeignKey(Queue, on_delete=models.CASCADE)

    objects: ClassVar[GrantManager] = GrantManager()

    def __str__(self) -> str:
        return f"grant on {self.content_object}"


def queues_of(member: Membership) -> models.QuerySet[Queue]:
    """The queues whose tickets a teammate sees by their teams or by a grant of their own; one may come twice."""
    return Queue.objects.filter(
        models.Q(team_links__team__members__membership=member)
        | models.Q(queuegrant__user=member.user_id, queuegrant__permission__codename="view_queue")
    )

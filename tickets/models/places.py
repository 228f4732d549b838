"""Channels customers write through, and queues teammates work."""

from django.db import models
from simple_history.models import HistoricalRecords

from supportdesk.core.grants import Grant, granted_to
from supportdesk.core.models import Brand, Environment, Membership, Team
from supportdesk.core.tenancy import TenantModel


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
    is_private = models.BooleanField(default=False, help_text="Only people with a grant see its tickets, whatever their role.")
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
    is_private = models.BooleanField(
        default=False, help_text="Only its teams and people with a grant see its tickets, whatever their role."
    )
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


class QueueGrant(Grant):
    """A single teammate let into one queue beyond their teams."""

    content_object = models.ForeignKey(Queue, on_delete=models.CASCADE)


class ChannelGrant(Grant):
    """A single teammate let into one private channel."""

    content_object = models.ForeignKey(Channel, on_delete=models.CASCADE)


def queues_of(member: Membership) -> models.QuerySet[Queue]:
    """The queues whose tickets a teammate sees by their teams or by a grant of their own; one may come twice."""
    granted = models.Q(queuegrant__user=member.user_id, queuegrant__permission__codename="view_queue")
    return Queue.objects.filter(models.Q(team_links__team__members__membership=member) | granted)


def hidden_queues(member: Membership | None) -> models.QuerySet[Queue]:
    """The private queues a teammate does not see into, whatever their role; for nobody in particular every private one."""
    private = Queue.objects.filter(is_private=True)
    return private.exclude(pk__in=queues_of(member).values("pk")) if member else private


def hidden_channels(member: Membership | None) -> models.QuerySet[Channel]:
    """The private channels a teammate has no grant for; for nobody in particular every private one."""
    private = Channel.objects.filter(is_private=True)
    return private.exclude(pk__in=granted_to(ChannelGrant, member)) if member else private

"""The decision trace: runs and their numbered steps."""

from typing import ClassVar, Self

from django.db import models
from django.utils import timezone

from agents.releases.models import Release, hidden_agents
from supportdesk.core.models import Environment, Membership
from supportdesk.core.tenancy import TenantManager, TenantModel
from tickets.models import Message, Ticket


class AgentRunQuerySet(models.QuerySet["AgentRun"]):
    """The words runs are asked for with."""

    def visible_to(self, member: Membership | None) -> Self:
        """Those a teammate may see: of tickets they see, by agents that are not hidden from them; None is a service of its own."""
        tickets = Ticket.objects.visible_to(member) if member else Ticket.objects.out_of_private()
        return self.filter(ticket__in=tickets).of_open_agents(member)

    def of_open_agents(self, member: Membership | None) -> Self:
        """Without the runs of private agents that are not this teammate's."""
        return self.filter(models.Q(release=None) | ~models.Q(release__agent__in=hidden_agents(member).values("pk")))


AgentRunManager = TenantManager.from_queryset(AgentRunQuerySet)


class AgentRun(TenantModel):
    """One attempt at one turn of one ticket, under one release."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        STALE = "stale", "Replaced by a newer turn"
        FAILED = "failed", "Failed"

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="runs")
    environment = models.CharField(max_length=4, choices=Environment.choices, default=Environment.LIVE)
    release = models.ForeignKey(Release, on_delete=models.PROTECT, null=True, related_name="runs")
    turn = models.PositiveIntegerField(help_text="The ticket's turn this run may write for.")
    trigger = models.CharField(max_length=20)
    cause = models.CharField(max_length=80, help_text="What it answers: a message, a proof, a settled call.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    outcome = models.CharField(max_length=20, blank=True, help_text="reply, need_confirmation, need_identity, escalate, resolve")
    message = models.OneToOneField(Message, on_delete=models.SET_NULL, null=True, related_name="run", help_text="What the customer got.")
    lease_until = models.DateTimeField()
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[TenantManager[Self]] = AgentRunManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket"], condition=models.Q(state="running"), name="run_one_alive"),
            models.UniqueConstraint(fields=["ticket", "turn"], name="run_once_per_turn"),
            models.UniqueConstraint(fields=["ticket", "cause"], condition=models.Q(state="done"), name="run_done_once"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of ticket {self.ticket_id}"


class Step(TenantModel):
    """One numbered thing in a run: a model call, a retrieval, a call and its verdict, a check, the outcome. Append-only."""

    class Kind(models.TextChoices):
        CONTEXT = "context", "Context"
        MODEL = "model", "Model"
        RETRIEVAL = "retrieval", "Retrieval"
        CALL = "call", "Call"
        CHECK = "check", "Check"
        OUTCOME = "outcome", "Outcome"

    run = models.ForeignKey(AgentRun, on_delete=models.CASCADE, related_name="steps")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=60)
    input = models.JSONField(default=dict)
    output = models.JSONField(default=dict)
    call_id = models.UUIDField(null=True, help_text="The ToolCall it is about.")
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    milliseconds = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="step_number_once")]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}: {self.name}"

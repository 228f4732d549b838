"""The case and its utterances."""

from datetime import UTC, datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from supportdesk.core.models import Brand, Environment, Membership
from supportdesk.core.permissions import may
from supportdesk.core.tenancy import TenantManager, TenantModel
from tickets.models.customers import Customer, CustomerIdentity
from tickets.models.places import Channel, Queue, hidden_channels, hidden_queues, queues_of

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
# Spelled once, for queries and indexes: an index serves only the expression it was made of.
WAITS_FROM = Coalesce("waiting_since", models.Value(NEVER), output_field=models.DateTimeField())
IS_OPEN = ~Q(status="resolved")


class Handler(models.TextChoices):
    """Who has the ticket. At most one of them ever answers."""

    AI = "ai", "AI agent"
    HUMAN = "human", "Teammate"


class Status(models.TextChoices):
    """How far it is."""

    OPEN = "open", "Open"
    PENDING = "pending", "Waits on customer"
    RESOLVED = "resolved", "Resolved"


class Priority(models.IntegerChoices):
    """How soon."""

    LOW = 1, "Low"
    NORMAL = 2, "Normal"
    HIGH = 3, "High"
    URGENT = 4, "Urgent"


class TicketQuerySet(models.QuerySet["Ticket"]):
    """The words tickets are asked for with."""

    def open(self) -> Self:
        """Not resolved."""
        return self.exclude(status=Status.RESOLVED)

    def waiting_for_human(self) -> Self:
        """Passed to the teammates and taken by nobody yet."""
        return self.open().filter(handler=Handler.HUMAN, assignee=None)

    def resolved(self) -> Self:
        """Closed cases."""
        return self.filter(status=Status.RESOLVED)

    def in_queue(self, key: str) -> Self:
        """The work of one queue."""
        return self.filter(queue__key=key)

    def handled_by(self, handler: str) -> Self:
        """Those the AI agent has, or those teammates have."""
        return self.filter(handler=handler)

    def visible_to(self, member: Membership) -> Self:
        """What this teammate may see (see tickets.sight): everything for leads and editors, else own tickets and those in their queues.

        Private queues and channels stay out for everybody who has no part in them.
        """
        seen = self.out_of_private(member)
        if may(member, "ticket.see_all"):
            return seen
        return seen.filter(Q(assignee=member) | Q(queue__in=queues_of(member).values("pk")))

    def out_of_private(self, member: Membership | None = None) -> Self:
        """Without the private queues and channels that are not this teammate's; for nobody in particular without all of them."""
        return self.exclude(queue__in=hidden_queues(member).values("pk")).exclude(channel__in=hidden_channels(member).values("pk"))

    def hidden_from(self, member: Membership) -> Self:
        """The tickets of private queues and channels that are not this teammate's."""
        return self.filter(Q(queue__in=hidden_queues(member).values("pk")) | Q(channel__in=hidden_channels(member).values("pk")))

    def matching(self, words: str) -> Self:
        """Found by number, by words of the subject, or by the customer's name or address."""
        number = words.removeprefix("#")
        if number.isascii() and number.isdigit() and len(number) < 10:
            return self.filter(Q(number=int(number)) | Q(subject__icontains=words))
        addressed = CustomerIdentity.objects.filter(value__icontains=words).values("customer_id")
        return self.filter(Q(subject__icontains=words) | Q(customer__name__icontains=words) | Q(customer__in=addressed))

    def with_last_escalation(self) -> Self:
        """Each with `escalated_for`: the reason of its newest escalation, or None."""
        newest = Escalation.objects.filter(ticket=models.OuterRef("pk")).order_by("-id")
        return self.annotate(escalated_for=models.Subquery(newest.values("reason")[:1]))

    def with_patience(self) -> Self:
        """Each with `waits_from`: since when the customer waits; those who do not wait come last."""
        return self.annotate(waits_from=WAITS_FROM)

    def joined(self) -> Self:
        """With everything a row of the list shows: no query per row."""
        return self.select_related("customer", "queue", "channel", "assignee__user", "brand")


TicketManager = TenantManager.from_queryset(TicketQuerySet)


class Ticket(TenantModel):
    """One case: who has it, which human, and how far it is are three separate facts.

    `turn` is the one fencing number: a run, a takeover and a new customer message raise it, and every AI write asks for its own.
    """

    number = models.PositiveIntegerField()
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="tickets")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="tickets")
    environment = models.CharField(max_length=4, choices=Environment.choices, default=Environment.LIVE)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="tickets")
    queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="tickets")
    subject = models.CharField(max_length=160)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    handler = models.CharField(max_length=6, choices=Handler.choices, default=Handler.AI)
    assignee = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, blank=True, related_name="tickets")
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    language = models.CharField(max_length=8, blank=True)
    intent = models.CharField(max_length=40, blank=True)
    turn = models.PositiveIntegerField(default=0)
    last_seq = models.PositiveIntegerField(default=0)
    asked_seq = models.PositiveIntegerField(default=0, help_text="Seq of the newest customer message.")
    answered_seq = models.PositiveIntegerField(default=0, help_text="Newest customer message that was answered or handed over.")
    failed_turns = models.PositiveSmallIntegerField(default=0)
    preview = models.CharField(max_length=160, blank=True)
    preview_author = models.CharField(max_length=10, blank=True)
    opened_at = models.DateTimeField(default=timezone.now)
    last_message_at = models.DateTimeField(default=timezone.now)
    waiting_since = models.DateTimeField(null=True, blank=True, help_text="Since when the customer waits for an answer.")
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=10, blank=True)

    objects: ClassVar[TenantManager[Self]] = TicketManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "number"], name="ticket_number_once")]
        indexes = [
            # One for each order of the list and for its counts; the resolved, who are most, stay out of all but their own.
            models.Index("tenant", models.F("priority").desc(), WAITS_FROM, "id", condition=IS_OPEN, name="ticket_urgent"),
            models.Index("tenant", "assignee", models.F("priority").desc(), WAITS_FROM, "id", condition=IS_OPEN, name="ticket_mine"),
            models.Index("tenant", WAITS_FROM, "id", condition=IS_OPEN, name="ticket_waiting"),
            models.Index(fields=["tenant", "-last_message_at", "-id"], condition=IS_OPEN, name="ticket_newest"),
            models.Index(fields=["tenant", "-last_message_at", "-id"], name="ticket_by_activity"),
            models.Index(fields=["tenant", "-last_message_at", "-id"], condition=Q(status="resolved"), name="ticket_resolved"),
            models.Index(fields=["tenant", "queue", "handler", "assignee", "channel"], condition=IS_OPEN, name="ticket_counts"),
            models.Index(fields=["tenant", "customer", "-last_message_at"], name="ticket_of_customer"),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.subject}"

    @property
    def is_open(self) -> bool:
        """Not resolved."""
        return self.status != Status.RESOLVED


class Author(models.TextChoices):
    """Who speaks."""

    CUSTOMER = "customer", "Customer"
    AI = "ai", "AI agent"
    TEAMMATE = "teammate", "Teammate"
    SYSTEM = "system", "System"


class Kind(models.TextChoices):
    """What a message is, which decides how it is shown and to whom."""

    TEXT = "text", "Text"
    NOTE = "note", "Private note"
    CODE = "code", "Asks for a one-time code"
    CONFIRM = "confirm", "Asks the customer to confirm an action"
    RECEIPT = "receipt", "Receipt of an action"
    NEWS = "news", "Event the customer sees"


class Message(TenantModel):
    """One utterance; `seq` is 1..n per ticket without gaps. It never changes."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="messages")
    seq = models.PositiveIntegerField()
    author = models.CharField(max_length=10, choices=Author.choices)
    member = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, blank=True, related_name="messages")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.TEXT)
    body = models.TextField(help_text="Plain text or light Markdown, cleaned when shown.")
    citations = models.JSONField(default=list, help_text='[{"n": 1, "title": …, "url": …, "quote": …, "sources": [numbers in the trace]}]')
    data = models.JSONField(default=dict, help_text="Ids a card needs, such as the call it shows.")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="messages")
    external_id = models.CharField(max_length=120, blank=True, help_text="The sender's id of it; stored once per channel.")
    turn = models.PositiveIntegerField(default=0, help_text="The ticket's turn when it was written.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["seq"]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "seq"], name="message_seq_once"),
            models.UniqueConstraint(fields=["channel", "external_id"], condition=~Q(external_id=""), name="message_external_id_once"),
        ]

    def __str__(self) -> str:
        return f"message {self.seq} of ticket {self.ticket_id}"

    @property
    def is_private(self) -> bool:
        """Seen by teammates only."""
        return self.kind == Kind.NOTE


class Reason(models.TextChoices):
    """Why a ticket went to a human."""

    ASKED_FOR_HUMAN = "asked_for_human", "Asked for a person"
    ANGRY = "angry", "Upset"
    NO_ANSWER = "no_answer", "No answer in the help centre"
    OUT_OF_SCOPE = "out_of_scope", "Outside what the agent does"
    LEGAL_OR_SAFETY = "legal_or_safety", "Legal or safety matter"
    REPEATED_FAILURE = "repeated_failure", "Two failed turns"
    TOOL_FAILED = "tool_failed", "A system did not answer"
    POLICY_ASKS = "policy_asks", "A rule asks a teammate"
    APPROVAL_EXPIRED = "approval_expired", "Nobody decided in time"
    OUTCOME_UNKNOWN = "outcome_unknown", "Outcome of an action unknown"
    AI_OFF = "ai_off", "The agent is switched off"
    CHECK_FAILED = "check_failed", "The answer did not pass the checks"
    RUN_FAILED = "run_failed", "The agent could not finish"
    OTHER = "other", "Other"


class Escalation(TenantModel):
    """The row that passes a ticket to a human, with everything needed so that nobody asks twice."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="escalations")
    reason = models.CharField(max_length=20, choices=Reason.choices)
    packet = models.JSONField(default=dict, help_text="The handoff packet, see tickets.handoff.Packet.")
    queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="escalations")
    created_at = models.DateTimeField(default=timezone.now)
    accepted_by = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    accepted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.get_reason_display()} (ticket {self.ticket_id})"

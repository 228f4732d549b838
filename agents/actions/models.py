"""The ledger of wanted calls, the customer's yes, and the systems calls go to."""

import uuid
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from policies.models import PolicyVersion
from supportdesk.core.models import Environment, Membership
from supportdesk.core.sealed import SealedField
from supportdesk.core.tenancy import TenantManager, TenantModel
from tickets.models import Customer, Handler, Status, Ticket


class Connector(TenantModel):
    """An external system, with its sealed token; a test connector never serves live tickets, nor the other way round."""

    key = models.SlugField()
    name = models.CharField(max_length=80)
    base_url = models.CharField(max_length=200)
    environment = models.CharField(max_length=4, choices=Environment.choices, default=Environment.LIVE)
    sealed_token = SealedField("token")
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key", "environment"], name="connector_once")]

    def __str__(self) -> str:
        return self.name

    def set_token(self, token: str) -> None:
        """Seal and store the token; it can be used and replaced, never shown again."""
        self.sealed_token.put(token)

    def token(self) -> str:
        """The token in the clear, for the adapter alone.

        Raises:
            CannotOpen: when the sealed text does not belong here.
        """
        return self.sealed_token.open()


class State(models.TextChoices):
    """Where a call stands."""

    DONE_READING = "read", "Read"
    DENIED = "denied", "Denied"
    NEEDS_IDENTITY = "needs_identity", "Needs identity"
    NEEDS_CONFIRMATION = "needs_confirmation", "Needs the customer's yes"
    WAITING = "waiting", "Waits for a teammate"
    APPROVED = "approved", "Approved"
    EXECUTING = "executing", "Doing"
    SUCCEEDED = "succeeded", "Done"
    FAILED = "failed", "Refused by the system"
    REJECTED = "rejected", "Rejected by a teammate"
    UNKNOWN = "unknown", "Outcome unknown"
    CANCELLED = "cancelled", "Cancelled"


OPEN_STATES = (State.NEEDS_IDENTITY, State.NEEDS_CONFIRMATION, State.WAITING, State.APPROVED, State.EXECUTING, State.UNKNOWN)
# What counts against limits: everything that took or may still take effect.
COUNTED_STATES = (State.APPROVED, State.EXECUTING, State.SUCCEEDED, State.UNKNOWN)


class ToolCallQuerySet(models.QuerySet["ToolCall"]):
    """The words calls are asked for with."""

    def writes(self) -> Self:
        """The action ledger."""
        return self.filter(is_write=True)

    def open(self) -> Self:
        """Not finished, or unknown."""
        return self.filter(state__in=OPEN_STATES)

    def counted(self) -> Self:
        """What limits count."""
        return self.filter(state__in=COUNTED_STATES)


ToolCallManager = TenantManager.from_queryset(ToolCallQuerySet)


class ToolCall(TenantModel):
    """One wanted call, read or write; the write ones are the action ledger. Its id is the idempotency key of the effect."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="calls")
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, related_name="calls", help_text="The proven customer it acts for."
    )
    run_id = models.BigIntegerField(null=True, help_text="The AgentRun that wanted it; empty for a teammate's own.")
    requested_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, null=True, related_name="+", help_text="The teammate who wants it; empty for the agent's own."
    )
    edited_from = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="edits", help_text="The call a teammate changed into this one."
    )
    connector = models.ForeignKey(Connector, on_delete=models.PROTECT, null=True, related_name="calls")
    tool = models.CharField(max_length=60)
    is_write = models.BooleanField()
    arguments = models.JSONField()
    arguments_hash = models.CharField(max_length=64)
    state = models.CharField(max_length=20, choices=State.choices)
    verdict = models.CharField(max_length=20)
    decision = models.JSONField(default=dict, help_text="The voices that spoke and why.")
    facts = models.JSONField(default=dict)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, null=True, related_name="calls")
    target = models.CharField(max_length=60, blank=True, help_text="What it acts on, e.g. the order's number.")
    target_version = models.CharField(max_length=20, blank=True)
    amount = models.BigIntegerField(null=True, help_text="Minor units.")
    currency = models.CharField(max_length=3, blank=True)
    card = models.JSONField(default=dict, help_text="What the customer was shown.")
    before = models.JSONField(default=dict, help_text="What it acts on, as it was when the call was decided.")
    result = models.JSONField(default=dict)
    reference = models.CharField(max_length=60, blank=True)
    reconciled = models.PositiveSmallIntegerField(default=0, help_text="How often the outcome was asked for.")
    created_at = models.DateTimeField(default=timezone.now)
    executing_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    objects: ClassVar[TenantManager[Self]] = ToolCallManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "tool", "arguments_hash"], condition=Q(is_write=True, state__in=OPEN_STATES), name="call_open_once"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "tool", "target", "state"], name="call_of_target"),
            models.Index(fields=["tenant", "customer", "tool", "created_at"], name="call_of_customer"),
            models.Index(fields=["tenant", "ticket", "created_at"], name="call_of_ticket"),
        ]

    def __str__(self) -> str:
        return f"{self.tool} ({self.state})"


class Confirmation(TenantModel):
    """The customer's yes or no to exactly one call as it was shown; bound to the call's hash."""

    call = models.ForeignKey(ToolCall, on_delete=models.CASCADE, related_name="confirmations")
    shown_hash = models.CharField(max_length=64)
    answer = models.CharField(max_length=3, blank=True, help_text="yes, no, or empty while open")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call"], condition=Q(answer=""), name="confirmation_open_once")]

    def __str__(self) -> str:
        return f"confirmation of {self.call_id}"


class ApprovalQuerySet(models.QuerySet["Approval"]):
    """The words approvals are asked for with."""

    def open(self) -> Self:
        """Not decided yet."""
        return self.filter(decision="")

    def waiting(self) -> Self:
        """Open, on a ticket that is not resolved; what expires first comes first."""
        return self.open().exclude(ticket__status=Status.RESOLVED).order_by("expires_at", "id")

    def decided(self) -> Self:
        """Decided by a teammate, expired or void; newest decision first."""
        return self.exclude(decision="").order_by("-decided_at", "-id")

    def visible_to(self, member: Membership) -> Self:
        """Those of tickets the teammate may see."""
        return self.filter(ticket__in=Ticket.objects.visible_to(member))

    def joined(self) -> Self:
        """With everything a list or a card tells, in one query."""
        return self.select_related(
            "call__policy_version",
            "call__requested_by__user",
            "call__edited_from",
            "ticket__customer",
            "ticket__brand",
            "ticket__queue",
            "decided_by__user",
        )


ApprovalManager = TenantManager.from_queryset(ApprovalQuerySet)


class Approval(TenantModel):
    """A teammate's decision on exactly one call as it was shown; bound to the call's hash, decided once, or expired."""

    class Decision(models.TextChoices):
        APPROVE = "approve", "Approved"
        EDIT = "edit", "Edited"
        REJECT = "reject", "Rejected"
        EXPIRE = "expire", "Expired"
        VOID = "void", "Void"

    call = models.ForeignKey(ToolCall, on_delete=models.CASCADE, related_name="approvals")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="approvals")
    shown_hash = models.CharField(max_length=64)
    voices = models.JSONField(default=list, help_text="Codes of the rules and limits that asked; the decision answers these and no others.")
    decision = models.CharField(max_length=8, choices=Decision.choices, blank=True, help_text="Empty while it waits.")
    decided_by = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True, help_text="Why; for teammates.")
    say = models.CharField(max_length=1000, blank=True, help_text="What the customer should know.")
    handler = models.CharField(max_length=5, choices=Handler.choices, blank=True, help_text="Who had the ticket when it was decided.")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    objects: ClassVar[TenantManager[Self]] = ApprovalManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call"], condition=Q(decision=""), name="approval_open_once")]
        indexes = [
            models.Index(fields=["tenant", "expires_at"], condition=Q(decision=""), name="approval_waits"),
            models.Index(fields=["tenant", "ticket", "created_at"], name="approval_of_ticket"),
            models.Index(fields=["tenant", "decided_at"], name="approval_decided"),
        ]

    def __str__(self) -> str:
        return f"approval of {self.call_id}"

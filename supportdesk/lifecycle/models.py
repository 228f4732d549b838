"""What is kept how long, what must stay, and what was asked to be taken out or erased."""

import secrets
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from supportdesk.core.models import Membership
from supportdesk.core.sealed import SealedField
from supportdesk.core.tenancy import TenantManager, TenantModel
from tickets.models import Customer, Message, Ticket


class Data(models.TextChoices):
    """What has a schedule of its own."""

    TICKETS = "tickets", "Resolved tickets with their messages"
    TRACES = "traces", "Traces of the agent"
    FILES = "files", "Attachments"
    SESSIONS = "sessions", "Closed chat sessions and one-time codes"
    VISITORS = "visitors", "Visitors who never proved who they are"
    REQUESTS = "requests", "Saved answers of the API"
    JOBS = "jobs", "Finished jobs"
    PRESENCE = "presence", "Passing marks on tickets"


# Days, and whether a workspace that never chose has it on: what a case needs is kept until somebody decides, technical rows are not.
DEFAULTS: dict[str, tuple[int, bool]] = {
    Data.TICKETS: (730, False),
    Data.TRACES: (365, False),
    Data.FILES: (365, False),
    Data.SESSIONS: (90, True),
    Data.VISITORS: (270, True),
    Data.REQUESTS: (7, True),
    Data.JOBS: (30, True),
    Data.PRESENCE: (2, True),
}
MAX_DAYS = 3650


class Schedule(TenantModel):
    """After how many days one kind of data goes, where a workspace chose other than the default."""

    kind = models.CharField(max_length=10, choices=Data.choices)
    days = models.PositiveSmallIntegerField()
    is_on = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "kind"], name="schedule_once")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.days} days"


class DataRules(TenantModel):
    """What a workspace chose beside its schedules."""

    keeps_originals = models.BooleanField(default=False, help_text="Keep what was masked in a message, sealed.")

    class Meta:
        verbose_name_plural = "data rules"
        constraints = [models.UniqueConstraint(fields=["tenant"], name="data_rules_once")]

    def __str__(self) -> str:
        return "data rules"


class LegalHoldQuerySet(models.QuerySet["LegalHold"]):
    """The words holds are asked for with."""

    def standing(self) -> Self:
        """Not lifted."""
        return self.filter(lifted_at=None)

    def on_customer(self, customer_id: int) -> Self:
        """On the customer or on one of their tickets."""
        return self.filter(Q(customer=customer_id) | Q(ticket__customer=customer_id))


LegalHoldManager = TenantManager.from_queryset(LegalHoldQuerySet)


class LegalHold(TenantModel):
    """A customer or a ticket nothing of which goes while it stands, whatever a schedule or a request for erasure says."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, null=True, related_name="holds")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, null=True, related_name="holds")
    reason = models.CharField(max_length=300)
    placed_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    placed_at = models.DateTimeField(default=timezone.now)
    lifted_by = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)

    objects: ClassVar[TenantManager[Self]] = LegalHoldManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(customer=None, ticket__isnull=False) | Q(customer__isnull=False, ticket=None), name="hold_on_one"
            ),
            models.UniqueConstraint(fields=["customer"], condition=Q(lifted_at=None), name="hold_of_customer_once"),
            models.UniqueConstraint(fields=["ticket"], condition=Q(lifted_at=None), name="hold_of_ticket_once"),
        ]

    def __str__(self) -> str:
        return f"hold {self.pk}"


def random_name() -> str:
    """128 bits: nobody guesses where an export lies."""
    return secrets.token_hex(16)


class CustomerExport(TenantModel):
    """One person's data as a zip, for whoever asked, for a day."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="exports")
    asked_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    public_id = models.CharField(max_length=32, unique=True, default=random_name)
    asked_at = models.DateTimeField(default=timezone.now)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes.")

    def __str__(self) -> str:
        return f"export {self.pk} of customer {self.customer_id}"

    @property
    def place(self) -> str:
        """Where the zip lies in the workspace's own folder."""
        return f"{self.tenant_id}/exports/{self.public_id}"

    @property
    def is_open(self) -> bool:
        """Whether it can be downloaded now."""
        return self.ready_at is not None and self.expires_at is not None and self.expires_at > timezone.now()


class Erasure(TenantModel):
    """One person to be erased, and how far it is."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="erasures")
    asked_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, null=True, related_name="+", help_text="Empty: applied again after a restore."
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    waits_for = models.CharField(max_length=200, blank=True, help_text="Why it could not be done yet, for teammates.")
    asked_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer"], condition=Q(state="waiting"), name="erasure_waits_once")]

    def __str__(self) -> str:
        return f"erasure {self.pk} of customer {self.customer_id}"


class Emptied(TenantModel):
    """A ticket whose words are gone; its shell, its money and its place in the audit trail stay."""

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="emptied")
    last_seq = models.PositiveIntegerField(help_text="The ticket's last message then: what came later has its own time.")
    why = models.CharField(max_length=10, help_text="erasure or schedule")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "emptied tickets"

    def __str__(self) -> str:
        return f"ticket {self.ticket_id} emptied"


class ErasedSubject(TenantModel):
    """Who was erased, as keyed hashes: nobody can be read from it, and a restored backup can be asked for them. Append-only."""

    kind = models.CharField(max_length=10, help_text="customer, email, phone or external")
    hash = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "kind", "hash", "at"], name="erased_subject_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.hash[:8]}"


class KeptOriginal(TenantModel):
    """What a masked message said, sealed for its own row, where the workspace chose to keep it."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="original")
    sealed_body = SealedField("body")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"original of message {self.message_id}"

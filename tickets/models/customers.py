"""Who writes, and what was proven about them."""

from django.db import models
from django.utils import timezone

from supportdesk.core.tenancy import TenantModel


class Company(TenantModel):
    """An organisation customers belong to."""

    name = models.CharField(max_length=120)
    domain = models.CharField(max_length=120, blank=True)

    class Meta:
        verbose_name_plural = "companies"

    def __str__(self) -> str:
        return self.name


class Customer(TenantModel):
    """Somebody who writes. Merging two of them needs proof on both sides."""

    name = models.CharField(max_length=120, blank=True)
    company = models.ForeignKey(Company, on_delete=models.SET_NULL, null=True, blank=True, related_name="customers")
    language = models.CharField(max_length=8, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name or "Visitor"

    @property
    def initials(self) -> str:
        """Up to two letters for the round avatar."""
        parts = self.name.split()
        return (parts[0][0] + (parts[-1][0] if len(parts) > 1 else "")).upper() if parts else "?"


class CustomerIdentity(TenantModel):
    """An address a customer writes from; only a verified one belongs to exactly one customer."""

    class Kind(models.TextChoices):
        EMAIL = "email", "Email"
        PHONE = "phone", "Phone"
        EXTERNAL = "external", "External id"

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="identities")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.CharField(max_length=200, help_text="Normalised: an email in small letters.")
    is_verified = models.BooleanField(default=False)
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "customer identities"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "value"], condition=models.Q(is_verified=True), name="identity_verified_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.value}"


class ChatSession(TenantModel):
    """One visitor's browser on one chat channel; its secret is stored as a hash and opens only its own ticket.

    `proven_identity` is who was proved to sit there before there was a ticket, `proven_by` which way and `proven_until` when; the ticket
    begins with that proof. The handoff is a one-time code that fetches the token of a session the host site asked for.
    """

    channel = models.ForeignKey("tickets.Channel", on_delete=models.PROTECT, related_name="sessions")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="sessions")
    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.SET_NULL, null=True, related_name="sessions")
    public_id = models.CharField(max_length=32, unique=True)
    secret_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    proven_identity = models.ForeignKey(CustomerIdentity, on_delete=models.SET_NULL, null=True, blank=True, related_name="sessions")
    proven_by = models.CharField(max_length=20, blank=True)
    proven_until = models.DateTimeField(null=True, blank=True)
    handoff_hash = models.CharField(max_length=64, blank=True)
    handoff_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"chat session {self.public_id}"


class IdentityProof(TenantModel):
    """A proof of who writes, valid for one ticket until it expires."""

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="proofs")
    identity = models.ForeignKey(CustomerIdentity, on_delete=models.CASCADE, related_name="proofs")
    method = models.CharField(max_length=20, default="email_code")
    proved_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.method} for ticket {self.ticket_id}"


class OneTimeCode(TenantModel):
    """A code mailed to the address somebody claims; hashed, single use, few tries, short life."""

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="codes")
    email = models.EmailField()
    code_hash = models.CharField(max_length=64, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "created_at"], name="code_of_the_day")]

    def __str__(self) -> str:
        return f"code for ticket {self.ticket_id}"

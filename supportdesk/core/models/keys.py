"""What is not human and still acts: service identities, their keys, and the requests they may repeat safely."""

from django.db import models
from django.utils import timezone

from supportdesk.core.models.people import Membership, Tenant
from supportdesk.core.models.places import Environment
from supportdesk.core.tenancy import TenantModel


class ServiceIdentity(TenantModel):
    """A program of the business: what it may do, and in which environment. It may act as one teammate, never with more than their role."""

    name = models.CharField(max_length=80)
    scopes = models.JSONField(default=list, help_text="What its keys may do, by the codes of the permission table.")
    environment = models.CharField(max_length=4, choices=Environment.choices, default=Environment.LIVE)
    membership = models.ForeignKey(
        Membership,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="services",
        verbose_name="acts as",
        help_text="The teammate it acts as, never with more than their role. Empty: it acts as itself.",
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "service identities"
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="service_name_once")]

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """One secret of a service identity, stored as a hash. It lies outside the walls, because the tenant is found through it."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", editable=False)
    service = models.ForeignKey(ServiceIdentity, on_delete=models.CASCADE, related_name="keys")
    name = models.CharField(max_length=80, help_text="Where it is used, such as “shop backend”.")
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: until it is revoked.")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="To the minute.")

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class IdempotentRequest(TenantModel):
    """One request that a service named with an Idempotency-Key: being carried out while `status` is empty, then its saved answer."""

    service = models.ForeignKey(ServiceIdentity, on_delete=models.CASCADE, related_name="requests")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 over method, path and body.")
    claim = models.CharField(max_length=32, help_text="Whoever carries it out now; changes when a dead one is replaced.")
    lease_until = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    content_type = models.CharField(max_length=80, blank=True)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "service", "key"], name="idempotent_request_once")]
        indexes = [models.Index(fields=["tenant", "expires_at"], name="idempotent_request_over")]

    def __str__(self) -> str:
        return f"request {self.key} of service {self.service_id}"

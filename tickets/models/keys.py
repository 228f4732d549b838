"""Keys with which a business's own site signs who its customer is, and the signed words that were used up."""

from django.db import models
from django.utils import timezone

from supportdesk.core.sealed import SealedField
from supportdesk.core.tenancy import TenantModel


class HostKey(TenantModel):
    """One key of the site a chat belongs to; it signs with exactly one algorithm and only for its channel."""

    class Algorithm(models.TextChoices):
        HS256 = "HS256", "HS256: a secret both sides know"
        ES256 = "ES256", "ES256: your public key (P-256)"
        RS256 = "RS256", "RS256: your public key (RSA)"

    channel = models.ForeignKey("tickets.Channel", on_delete=models.CASCADE, related_name="host_keys")
    name = models.CharField(max_length=80, help_text="For people: where it is used.")
    site = models.CharField(max_length=200, help_text="As https://shop.example: only forms of this site are taken.")
    kid = models.CharField(max_length=40, unique=True, editable=False)
    algorithm = models.CharField(max_length=5, choices=Algorithm.choices, default=Algorithm.HS256)
    public_key = models.TextField(blank=True, help_text="PEM, for ES256 and RS256; a secret for HS256 is made here.")
    sealed_secret = SealedField("secret")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return self.name

    def verifying_key(self) -> str:
        """What checks a signature: the secret in the clear, or the public key.

        Raises:
            CannotOpen: when the sealed text does not belong here.
        """
        return self.sealed_secret.open() if self.algorithm == self.Algorithm.HS256 else self.public_key


class SpentToken(TenantModel):
    """A signed token that was used; it is kept, as a hash, for as long as it could be tried again."""

    key = models.ForeignKey(HostKey, on_delete=models.CASCADE, related_name="spent")
    jti_hash = models.CharField(max_length=64)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "jti_hash"], name="signed_token_once")]

    def __str__(self) -> str:
        return f"a token of key {self.key_id}"

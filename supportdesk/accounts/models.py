"""What the workspace asks of people who sign in, whom it invites, and mails that let somebody choose a new password."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from supportdesk.core.models import Role
from supportdesk.core.sealed import SealedField
from supportdesk.core.tenancy import TenantModel


class SignInRules(TenantModel):
    """How people sign in to this workspace: one row at most; none means the defaults."""

    require_second_factor = models.BooleanField(
        default=False, help_text="Whoever has none sets one up before anything else opens, those signed in now included."
    )
    session_hours = models.PositiveSmallIntegerField(
        default=12,
        validators=[MinValueValidator(1), MaxValueValidator(12)],
        help_text="Hours after which people sign in again, however busy they are.",
    )
    step_up_amount = models.PositiveBigIntegerField(
        default=50_000,
        help_text="Approving more than this asks again who it is. In the smallest unit of the workspace's currency: 50000 is 500.00.",
    )

    class Meta:
        verbose_name = verbose_name_plural = "sign-in rules"
        constraints = [models.UniqueConstraint(fields=["tenant"], name="sign_in_rules_once")]

    def __str__(self) -> str:
        return "Sign-in rules"


class PasswordReset(models.Model):
    """One wish for a new password: every wish is a row, so that what is asked of an address is counted whether or not it is known."""

    address_hash = models.CharField(max_length=64, db_index=True, help_text="HMAC of the address that was typed.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    origin = models.CharField(max_length=200, help_text="Where the link leads, such as https://desk.example.com.")
    token_hash = models.CharField(max_length=64, blank=True, db_index=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"password reset {self.pk}"


class Invitation(TenantModel):
    """One invitation to work here: opens once, within a day, for the address it was mailed to; only a hash of its token is stored."""

    email = models.EmailField()
    role = models.CharField(max_length=20, choices=Role.choices)
    teams = models.JSONField(default=list, help_text="Ids of the teams they join.")
    invited_by = models.ForeignKey(
        "core.Membership", on_delete=models.PROTECT, null=True, related_name="+", help_text="Nobody: a platform operator."
    )
    origin = models.CharField(max_length=200, help_text="Where the link leads, such as https://desk.example.com.")
    token_hash = models.CharField(max_length=64, blank=True, db_index=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "email"], condition=models.Q(used_at=None, withdrawn_at=None), name="invitation_waits_once"
            )
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"


class SignOn(TenantModel):
    """The workspace's own identity provider (OpenID Connect): one row at most; none means there is none."""

    issuer = models.CharField(
        max_length=150,
        help_text="Exactly as the provider writes it, such as https://login.example.com/realms/acme; it begins with https://.",
    )
    client_id = models.CharField("client ID", max_length=190)
    sealed_secret = SealedField("secret")
    domains = models.CharField(
        max_length=400,
        help_text="Domains of the addresses it speaks for, with commas between: acme.example, acme.co. No others, no sub-domains.",
    )
    is_on = models.BooleanField("on", default=True, help_text="Whether people can sign in with it.")
    required = models.BooleanField(
        default=False, help_text="Passwords open nothing here any more, except for owners and for people of several workspaces."
    )

    class Meta:
        verbose_name = verbose_name_plural = "single sign-on"
        constraints = [models.UniqueConstraint(fields=["tenant"], name="sign_on_once")]

    def __str__(self) -> str:
        return "Single sign-on"

    def speaks_for(self, address: str) -> bool:
        """Whether the address lies on one of the domains, letter by letter: look-alikes, sub-domains and endings do not."""
        name, at, domain = address.rpartition("@")
        known = {each.strip().lower() for each in self.domains.split(",") if each.strip()}
        return bool(name and at) and "@" not in name and address.isascii() and domain.lower() in known

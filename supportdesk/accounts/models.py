"""What the workspace asks of people who sign in, and mails that let somebody choose a new password."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

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

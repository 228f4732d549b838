"""Who works here: tenants, users, memberships, teams; and the switch that stops the AI."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from supportdesk.core.tenancy import TenantModel


class UserManager(BaseUserManager["User"]):
    """Creates users who sign in by email."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """One user; the address is the login.

        Raises:
            ValueError: without an address.
        """
        if not email:
            raise ValueError("A user needs an email address.")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """One user with every right of the installation."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """The user with this address, whatever its capitals."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A human who signs in by email; what they may do comes from their memberships."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May open Django admin; what is seen there follows the membership.")
    joined_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """What Django admin calls the person."""
        return self.name

    def get_short_name(self) -> str:
        """The first of their names."""
        return self.name.split(" ")[0]

    @property
    def initials(self) -> str:
        """Up to two letters for the round avatar."""
        parts = (self.name or self.email).split()
        return "".join(part[0] for part in (parts[0], parts[-1])[: len(parts)]).upper()


class Tenant(models.Model):
    """One business using SupportDesk; on screen a workspace."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    currency = models.CharField(max_length=3, default="EUR", help_text="ISO 4217 code that limits and reports are told in.")
    last_ticket_number = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a teammate is to a workspace, weakest first."""

    VIEWER = "viewer", "Viewer"
    RESPONDER = "responder", "Responder"
    SUPERVISOR = "supervisor", "Supervisor"
    POLICY_EDITOR = "policy_editor", "Policy editor"
    ADMIN = "admin", "Administrator"
    OWNER = "owner", "Owner"


class Membership(models.Model):
    """A teammate: one user in one workspace, with one role there."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.RESPONDER)
    is_active = models.BooleanField(default=True)
    is_available = models.BooleanField(default=True, help_text="Takes new work now.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="membership_once"),
            models.UniqueConstraint(fields=["tenant", "id"], name="membership_wall_key"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"

    @property
    def name(self) -> str:
        """The human's name."""
        return str(self.user)


class Team(TenantModel):
    """Teammates who work queues together; costs are told by team."""

    key = models.SlugField()
    name = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="team_key_once")]

    def __str__(self) -> str:
        return self.name


class TeamMember(TenantModel):
    """One teammate in one team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="members")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="team_links")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "membership"], name="team_member_once")]

    def __str__(self) -> str:
        return f"{self.membership} in {self.team}"


class KillSwitch(models.Model):
    """While it is on, no AI act of its reach starts: everywhere (no tenant), one workspace, or one tool of it."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, null=True, blank=True, related_name="kill_switches")
    tool = models.CharField(max_length=60, blank=True, help_text="Empty: the whole agent.")
    is_on = models.BooleanField(default=True)
    reason = models.CharField(max_length=200)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "kill switches"
        constraints = [models.UniqueConstraint(fields=["tenant", "tool"], name="kill_switch_once", nulls_distinct=False)]

    def __str__(self) -> str:
        return f"{'Stop' if self.is_on else 'Run'} {self.tool or 'the agent'} in {self.tenant or 'every workspace'}"


class OperatorAct(models.Model):
    """What a platform operator did to the installation or to one workspace; written once, never changed."""

    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=60)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, null=True, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", help_text="Whom it was done to.")
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.code} by {self.by_id}"

"""Django admin of people: who is what, and how they sign in. The tables of django-allauth have no page here."""

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from supportdesk.accounts.models import SignInRules
from supportdesk.accounts.people import disable, owners_take_turns, refused_change, set_role
from supportdesk.accounts.rules import forget_rules
from supportdesk.accounts.sessions import end_all_sessions
from supportdesk.core.admin_base import TenantAdmin, TenantForm, act, member_of, shown
from supportdesk.core.models import Membership
from supportdesk.core.permissions import may
from supportdesk.core.tenancy import acting_tenant

# Failed sign-ins are counted for the whole installation: platform operators see them.
FOREIGN = (AccessAttempt, AccessFailureLog, AccessLog)
for found in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession, *FOREIGN):
    if admin.site.is_registered(found):
        admin.site.unregister(found)


class MembershipForm(TenantForm):
    """Who is what: an owner is made and unmade by owners, and the last one stays."""

    by: ClassVar[Membership | None] = None

    def clean(self) -> dict[str, Any]:
        """Refuse what would lock the workspace out or raise somebody above the one who asks."""
        data = super().clean() or {}
        owners_take_turns(acting_tenant())
        was = Membership.objects.get(pk=self.instance.pk)
        role, is_active = data.get("role", was.role), data.get("is_active", was.is_active)
        field, fault = refused_change(member=was, role=role, is_active=is_active, by=self.by)
        if fault:
            raise ValidationError({field: fault} if field else fault)
        return data


@admin.register(Membership)
class MembershipAdmin(TenantAdmin):
    """Teammates of the workspace and their roles."""

    see = edit = "team.edit"
    form = MembershipForm
    fields = ("user", "role", "is_active", "is_available")
    readonly_fields = ("user",)
    list_display = ("user", "email", "role", "is_active", "is_available")
    list_filter = ("role", "is_active")
    list_select_related = ("user",)
    search_fields = ("user__name", "user__email")
    actions = ("end_sessions",)
    asks_again = True

    @shown("Email", ordering="user__email")
    def email(self, member: Membership) -> str:
        """The address they sign in with."""
        return member.user.email

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, knowing who asks."""
        form = super().get_form(request, obj, change, **kwargs)
        form.by = member_of(request)
        return form

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Teammates come by invitation, not by a form."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Who leaves is made inactive: what they did keeps their name."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store what changed through the services that also end sessions and keys."""
        was, by = Membership.objects.select_related("tenant", "user").get(pk=obj.pk), self.actor(request)
        role, is_active = obj.role, obj.is_active
        if role != was.role:
            set_role(member=was, role=role, by=by)
        if was.is_active and not is_active:
            disable(member=was, by=by)
        super().save_model(request, obj, form, change)

    def has_end_sessions_permission(self, request: HttpRequest) -> bool:
        """Whether sessions of others may be ended."""
        return may(member_of(request), "sign_in.edit")

    @act("End all sessions", permission="end_sessions", of="sign_in.edit")
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        """Sign each chosen teammate out everywhere."""
        ended = sum(end_all_sessions(user=member.user, by=self.actor(request)) for member in queryset.select_related("user"))
        self.message_user(request, f"{ended} {'session has' if ended == 1 else 'sessions have'} ended.")


@admin.register(SignInRules)
class SignInRulesAdmin(TenantAdmin):
    """How people sign in to the workspace: one row."""

    see = edit = "sign_in.edit"
    fields = ("require_second_factor", "session_hours", "step_up_amount")
    list_display = ("__str__", "require_second_factor", "session_hours", "step_up_amount")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Once: then it is changed."""
        return super().has_add_permission(request) and not SignInRules.objects.filter(tenant=acting_tenant()).exists()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """It is changed, never taken away."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store the rules; they hold at once."""
        super().save_model(request, obj, form, change)
        forget_rules(acting_tenant())

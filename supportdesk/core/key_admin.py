"""Admin of programs and their keys: owners and administrators make and revoke them; a key's text is shown once and stored nowhere."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from supportdesk.core import keys
from supportdesk.core.admin_base import TenantAdmin, TenantForm, act, member_of, shown
from supportdesk.core.models import ApiKey, Event, Membership, ServiceIdentity
from supportdesk.core.permissions import PERMISSIONS, may
from supportdesk.core.tenancy import acting_tenant


class ServiceForm(TenantForm):
    """Scopes are chosen from the permission table."""

    scopes = forms.MultipleChoiceField(
        choices=[(name, name) for name in sorted(PERMISSIONS)],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What its keys may do.",
    )


@admin.register(ServiceIdentity)
class ServiceIdentityAdmin(TenantAdmin):
    """Programs of the business and what they may do."""

    see = edit = "key.edit"
    form = ServiceForm
    fields = ("name", "environment", "membership", "scopes", "is_active")
    list_display = ("name", "environment", "membership", "is_active")
    list_select_related = ("membership__user",)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """It may act as whoever sets it up, and as nobody else: to act as a colleague would be to decide in their name."""
        if db_field.name == "membership":
            member = member_of(request)
            kwargs["queryset"] = Membership.objects.filter(pk=member.pk if member else 0).select_related("user")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The environment stays: keys carry it in their text. A colleague's program stays theirs."""
        member = member_of(request)
        if obj is None:
            return ()
        colleagues = obj.membership_id is not None and (member is None or obj.membership_id != member.pk)
        return ("environment", "membership", "scopes") if colleagues else ("environment",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """It is switched off instead: what it did keeps its name."""
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(TenantAdmin):
    """Keys: made here, shown once, revoked here."""

    see = edit = "key.edit"
    fields = ("service", "name", "expires_at")
    list_display = ("name", "service", "prefix", "state", "created_at", "last_used_at", "expires_at")
    list_select_related = ("service",)
    ordering = ("-id",)
    actions = ("rotate", "revoke")

    @shown("State", label={"Valid": "success", "Revoked": "danger"})
    def state(self, key: ApiKey) -> str:
        """Whether it was revoked."""
        return "Revoked" if key.revoked_at else "Valid"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Programs that act as themselves, and those that act as whoever asks: a colleague's key is for the colleague to make."""
        if db_field.name == "service":
            member = member_of(request)
            mine = ServiceIdentity.objects.filter(is_active=True)
            kwargs["queryset"] = mine.filter(membership=None) | mine.filter(membership=member)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A key is revoked, never changed."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A revoked key stays in the list: what it did can be told."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Make the key and show its text, this once."""
        made, text = keys.make_key(service=obj.service, name=obj.name, expires_at=obj.expires_at, by=self.actor(request))
        obj.pk, obj.prefix, obj.tenant_id = made.pk, made.prefix, acting_tenant().pk
        messages.warning(request, f"Copy the key now, it is not shown again: {text}")

    def tell(self, request: HttpRequest, obj: Any, verb: str, changed: dict[str, Any]) -> Event | None:  # type: ignore[override]
        """Making a key is told by `key.made`."""
        return None

    @act("Rotate: a new key now, the old one ends in a day", permission="revoke", of="key.edit")
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """A new key for each chosen one, shown this once; a colleague's stays for the colleague to rotate."""
        member = member_of(request)
        for key in queryset.select_related("service"):
            if key.service.membership_id is not None and (member is None or key.service.membership_id != member.pk):
                self.message_user(request, f"{key} acts as a colleague, who rotates it.", messages.ERROR)
                continue
            try:
                _made, text = keys.rotate(key, overlap=timedelta(days=1), by=self.actor(request))
            except keys.CannotRotate as error:
                self.message_user(request, f"{key}: {error}", messages.ERROR)
            else:
                messages.warning(request, f"{key.name}: copy the new key now, it is not shown again: {text}")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whether keys may be ended."""
        return may(member_of(request), "key.edit")

    @act("Revoke", permission="revoke")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """End each chosen key now."""
        ended = sum(keys.revoke(key, by=self.actor(request)) for key in queryset)
        self.message_user(request, f"{ended} {'key is' if ended == 1 else 'keys are'} revoked.")

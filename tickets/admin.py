"""Channels and queues: where tickets come from and where they go; and the keys of sites that sign their customers."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from supportdesk.core.admin import HistoryAdmin, TenantAdmin, TenantForm, TenantTabularInline, act, member_of, shown
from supportdesk.core.forms import NamesField
from supportdesk.core.models import Event
from supportdesk.core.permissions import may
from supportdesk.core.tenancy import acting_tenant
from tickets import signed
from tickets.admin_sight import GrantAdmin
from tickets.errors import Refusal
from tickets.models import Channel, ChannelGrant, HostKey, Queue, QueueGrant, QueueTeam


class QueueForm(TenantForm):
    """A queue with its intents as text."""

    intents = NamesField(required=False, help_text="Intents that belong here, parted by commas.")

    class Meta:
        model = Queue
        fields: ClassVar[list[str]] = []


@admin.register(Channel)
class ChannelAdmin(HistoryAdmin):
    """Ways in and out."""

    see = edit = "team.edit"
    list_display = ("name", "key", "kind", "brand", "environment", "is_active", "is_private")
    list_filter = ("kind", "environment", "is_active", "is_private")
    list_select_related = ("brand",)
    fields = (("name", "key"), ("kind", "brand"), ("environment", "is_active"), "is_private")


class QueueTeamInline(TenantTabularInline):
    """Teams that work the queue."""

    model = QueueTeam
    see = edit = "team.edit"


@admin.register(Queue)
class QueueAdmin(HistoryAdmin):
    """Piles of work."""

    see = edit = "team.edit"
    form = QueueForm
    list_display = ("name", "key", "language", "position", "is_fallback", "is_private")
    fields = (("name", "key"), ("icon", "position"), ("language", "is_fallback"), "is_private", "intents")
    ordering = ("position", "id")
    inlines = (QueueTeamInline,)


admin.site.register(QueueGrant, GrantAdmin)
admin.site.register(ChannelGrant, GrantAdmin)


class HostKeyForm(TenantForm):
    """A key for one chat: the service's own checks, said at the form."""

    class Meta:
        model = HostKey
        fields: ClassVar[list[str]] = []

    def clean(self) -> dict[str, Any]:
        """Refuse what the service would refuse."""
        data = super().clean() or {}
        pem, algorithm, channel = data.get("public_key", "").strip(), data.get("algorithm"), data.get("channel")
        try:
            signed.origin_of(data.get("site", ""))
        except Refusal as refusal:
            raise ValidationError({"site": str(refusal)}) from refusal
        try:
            if (algorithm == HostKey.Algorithm.HS256) == bool(pem):
                raise Refusal("HS256 makes its secret here; ES256 and RS256 need your public key.")
            if pem:
                signed.check_public_key(str(algorithm), pem)
        except Refusal as refusal:
            raise ValidationError({"public_key": str(refusal)}) from refusal
        if channel and HostKey.objects.filter(channel=channel, revoked_at=None).count() >= signed.LIVE_KEYS:
            raise ValidationError({"channel": "This chat has two keys already. Revoke the older one first."})
        return data


@admin.register(HostKey)
class HostKeyAdmin(TenantAdmin):
    """Keys with which your own site signs who its customer is: made here, shown once, revoked here."""

    see = edit = "key.edit"
    form = HostKeyForm
    fields = ("channel", "name", "site", "algorithm", "public_key")
    list_display = ("name", "channel", "site", "algorithm", "kid", "state", "created_at")
    list_select_related = ("channel",)
    ordering = ("-id",)
    actions = ("revoke",)

    @shown("State", label={"Valid": "success", "Revoked": "danger"})
    def state(self, key: HostKey) -> str:
        """Whether it was revoked."""
        return "Revoked" if key.revoked_at else "Valid"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Chats alone take signed customers."""
        if db_field.name == "channel":
            kwargs["queryset"] = Channel.objects.filter(kind=Channel.Kind.CHAT)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A key is revoked, never changed."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A revoked key stays in the list."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Make the key and show its secret, this once."""
        made, secret = signed.make_key(
            channel=obj.channel,
            name=obj.name,
            site=obj.site,
            algorithm=obj.algorithm,
            public_key=obj.public_key,
            by=self.actor(request),
        )
        obj.pk, obj.kid, obj.tenant_id = made.pk, made.kid, acting_tenant().pk
        if secret:
            messages.warning(request, f"Copy the secret now, it is not shown again: {secret}")
        messages.info(request, f"Sign with kid {made.kid} for {signed.audience_of(made.channel)}.")

    def tell(self, request: HttpRequest, obj: Any, verb: str, changed: dict[str, Any]) -> Event | None:  # type: ignore[override]
        """Making a key is told by `host_key.made`."""
        return None

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whether keys may be ended."""
        return may(member_of(request), "key.edit")

    @act("Revoke", permission="revoke")
    def revoke(self, request: HttpRequest, queryset: QuerySet[HostKey]) -> None:
        """End each chosen key now."""
        ended = sum(signed.revoke_key(key, by=self.actor(request)) for key in queryset)
        self.message_user(request, f"{ended} {'key is' if ended == 1 else 'keys are'} revoked.")

"""Channels and queues: where tickets come from and where they go."""

from typing import ClassVar

from django.contrib import admin

from supportdesk.core.admin import HistoryAdmin, TenantForm, TenantTabularInline
from supportdesk.core.forms import NamesField
from tickets.admin_sight import GrantAdmin
from tickets.models import Channel, ChannelGrant, Queue, QueueGrant, QueueTeam


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

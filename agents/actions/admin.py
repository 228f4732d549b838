"""Connectors, and the ledger of calls to look at."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminPasswordWidget

from agents.actions.models import Connector, ToolCall
from supportdesk.core.admin import ReadOnlyAdmin, TenantAdmin, TenantForm, shown
from supportdesk.core.money import amount_text
from supportdesk.core.safe_http import NotSent, Refused, checked_address
from tickets.admin_sight import InSight

LOOKS = {"Done": "success", "Outcome unknown": "danger", "Refused by the system": "danger", "Waits for a teammate": "warning"}


class ConnectorForm(TenantForm):
    """A connector; its token goes in and never comes out."""

    new_token = forms.CharField(
        required=False,
        strip=True,
        label="New token",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Replaces the stored token. It is sealed when saved and never shown again; leave empty to keep what is stored.",
    )

    class Meta:
        model = Connector
        fields: list[str] = []

    def clean_base_url(self) -> str:
        """Refuse an address the outbound door would refuse, before anything is sent to it."""
        url = str(self.cleaned_data["base_url"]).rstrip("/")
        try:
            checked_address(url)
        except Refused as error:
            raise forms.ValidationError(str(error)) from error
        except NotSent:
            # A name that does not resolve today may tomorrow; the door looks again at every call.
            pass
        return url


@admin.register(Connector)
class ConnectorAdmin(TenantAdmin):
    """External systems the agent acts in."""

    see = edit = "connector.edit"
    form = ConnectorForm
    list_display = ("name", "key", "base_url", "environment", "has_token", "is_active")
    list_filter = ("environment", "is_active")
    fields = (("name", "key"), "base_url", ("environment", "is_active"), "has_token", "new_token")
    readonly_fields = ("has_token",)

    @shown("Token stored", boolean=True)
    def has_token(self, connector: Connector) -> bool:
        """Whether a token is stored."""
        return bool(connector.sealed_token)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store the connector, and seal the new token if one was given."""
        super().save_model(request, obj, form, change)
        if form.cleaned_data.get("new_token"):
            obj.set_token(form.cleaned_data["new_token"])


@admin.register(ToolCall)
class ToolCallAdmin(InSight, ReadOnlyAdmin):
    """Every call the agent wanted, what was decided and what came of it."""

    see = "ticket.see_all"
    list_display = ("created_at", "tool", "shown_state", "verdict", "shown_amount", "target", "reference", "ticket")
    list_filter = ("state", "tool", "verdict", "is_write")
    list_select_related = ("ticket",)
    search_fields = ("target", "reference")
    ordering = ("-created_at",)

    @shown("State", ordering="state", label=LOOKS)
    def shown_state(self, call: ToolCall) -> str:
        """Where it stands."""
        return call.get_state_display()

    @shown("Amount", ordering="amount")
    def shown_amount(self, call: ToolCall) -> str:
        """The money it is about."""
        return amount_text(call.amount, call.currency) if call.amount is not None else ""

"""Releases to look at, and the label that says which one is live to move."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from agents.releases.models import Agent, AgentGrant, Label, Release, hidden_agents
from agents.releases.services import NoRelease, make_release, promote, roll_back
from supportdesk.core.admin import HistoryAdmin, ReadOnlyAdmin, TenantForm, act, member_of, shown
from supportdesk.core.forms import NamesField
from supportdesk.core.permissions import may
from tickets.admin_sight import GrantAdmin


class AgentForm(TenantForm):
    """The agent with its lists as text."""

    tools = NamesField(required=False, help_text="Names of the tools it may want, parted by commas.")
    model_chain = NamesField(required=False, help_text="Tried left to right, e.g. openai:gpt-4o, builtin; empty: the installation's own.")

    class Meta:
        model = Agent
        fields: list[str] = []


class Promoting:
    """The right to move labels; rows of private agents are not there for those without a grant."""

    agent: ClassVar[str] = "agent"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows of agents in sight."""
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        return rows.exclude(**{f"{self.agent}__in": hidden_agents(member_of(request)).values("pk")})

    def has_promote_permission(self, request: HttpRequest) -> bool:
        """Whether the teammate may move labels."""
        return may(member_of(request), "release.promote")


@admin.register(Agent)
class AgentAdmin(Promoting, HistoryAdmin):
    """The AI colleague of each brand."""

    see = "release.see"
    edit = "release.promote"
    agent = "pk"
    form = AgentForm
    list_display = ("__str__", "brand", "prompt", "policy", "is_active", "is_private")
    list_select_related = ("brand", "prompt", "policy")
    fields = (("brand", "is_active"), ("prompt", "policy"), "tools", "model_chain", "is_private")
    actions = ("make_a_release",)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The history of an agent in sight."""
        self._demand(request, object_id)
        response: HttpResponse = super().history_view(request, object_id, extra_context)
        return response

    def history_form_view(self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None) -> HttpResponse:
        """One old state of an agent in sight."""
        self._demand(request, object_id)
        return super().history_form_view(request, object_id, version_id, extra_context)

    def _demand(self, request: HttpRequest, object_id: str) -> None:
        if hidden_agents(member_of(request)).filter(pk=object_id if object_id.isdigit() else 0).exists():
            raise Http404

    @act("Make a release", permission="promote", of="release.promote")
    def make_a_release(self, request: HttpRequest, queryset: QuerySet[Agent]) -> None:
        """Freeze each chosen agent as it is now; nothing goes live by it."""
        for agent in queryset.select_related("prompt", "policy"):
            try:
                release = make_release(agent, by=self.actor(request), name=str(request.user))
            except ValidationError as error:
                self.message_user(request, f"{agent}: no release was made. {' '.join(error.messages)}", messages.ERROR)
            else:
                self.message_user(request, f"{agent}: {release} holds what the agent is now. Make it live under Releases.")


@admin.register(Release)
class ReleaseAdmin(Promoting, ReadOnlyAdmin):
    """Everything a run cites, frozen together."""

    see = "release.see"
    list_display = ("__str__", "agent", "prompt_version", "policy_version", "snapshot", "created_at", "created_by", "is_live")
    list_filter = ("agent__brand",)
    list_select_related = ("agent__brand", "prompt_version__prompt", "policy_version__policy", "snapshot")
    ordering = ("-number",)
    actions = ("make_live",)
    list_disable_select_all = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Releases with their labels: no query per row."""
        return super().get_queryset(request).prefetch_related("labels")

    @shown("Live", boolean=True)
    def is_live(self, release: Release) -> bool:
        """Whether new tickets take it."""
        return any(label.name == "live" and label.environment == "live" for label in release.labels.all())

    @act("Make live", permission="promote", of="release.promote")
    def make_live(self, request: HttpRequest, queryset: QuerySet[Release]) -> None:
        """Make the one chosen release live for new tickets."""
        chosen = list(queryset)
        if len(chosen) != 1:
            self.message_user(request, "Choose the one release that shall be live.", messages.ERROR)
            return
        promote(chosen[0], by=self.actor(request))
        self.message_user(request, f"{chosen[0]} is live for new tickets.", messages.SUCCESS)


@admin.register(Label)
class LabelAdmin(Promoting, ReadOnlyAdmin):
    """What is live now, and one step back."""

    see = "release.see"
    list_display = ("__str__", "agent", "environment", "release", "previous", "moved_at")
    list_select_related = ("agent__brand", "release", "previous")
    actions = ("roll_back",)
    list_disable_select_all = False

    @act("Roll back", permission="promote", of="release.promote")
    def roll_back(self, request: HttpRequest, queryset: QuerySet[Label]) -> None:
        """Make live what was live before."""
        for label in queryset.select_related("agent__brand"):
            try:
                moved = roll_back(label.agent, by=self.actor(request), environment=label.environment)
            except NoRelease as error:
                self.message_user(request, f"{label}: {error}", messages.ERROR)
            else:
                self.message_user(request, f"{moved.release} is live again.", messages.SUCCESS)


admin.site.register(AgentGrant, GrantAdmin)

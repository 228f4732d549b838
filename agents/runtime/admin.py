"""The decision trace to look at."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from agents.releases.models import hidden_agents
from agents.runtime.models import AgentRun, Step
from supportdesk.core.admin import ReadOnlyAdmin, TenantTabularInline, member_of
from tickets.admin_sight import InSight


class StepInline(TenantTabularInline):
    """What happened in the run, in order."""

    model = Step
    see = "ticket.see_all"
    edit = ""
    fields = ("number", "kind", "name", "milliseconds", "input_tokens", "output_tokens")


@admin.register(AgentRun)
class AgentRunAdmin(InSight, ReadOnlyAdmin):
    """One attempt at one turn."""

    see = "ticket.see_all"
    list_display = ("__str__", "ticket", "state", "outcome", "trigger", "release", "started_at", "finished_at")
    list_filter = ("state", "outcome", "environment")
    list_select_related = ("ticket", "release")
    ordering = ("-id",)
    inlines = (StepInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without the traces of private agents."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(Q(release=None) | ~Q(release__agent__in=hidden_agents(member_of(request)).values("pk")))


@admin.register(Step)
class StepAdmin(InSight, ReadOnlyAdmin):
    """One numbered thing in a run."""

    ticket = "run__ticket"

    see = "ticket.see_all"
    list_display = ("run", "number", "kind", "name", "milliseconds", "created_at")
    list_filter = ("kind",)
    list_select_related = ("run",)
    ordering = ("-run_id", "number")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without the traces of private agents."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(Q(run__release=None) | ~Q(run__release__agent__in=hidden_agents(member_of(request)).values("pk")))

"""The decision trace to look at."""

from django.contrib import admin

from agents.runtime.models import AgentRun, Step
from supportdesk.core.admin import ReadOnlyAdmin, TenantTabularInline


class StepInline(TenantTabularInline):
    """What happened in the run, in order."""

    model = Step
    see = "ticket.see_all"
    edit = ""
    fields = ("number", "kind", "name", "milliseconds", "input_tokens", "output_tokens")


@admin.register(AgentRun)
class AgentRunAdmin(ReadOnlyAdmin):
    """One attempt at one turn."""

    see = "ticket.see_all"
    list_display = ("__str__", "ticket", "state", "outcome", "trigger", "release", "started_at", "finished_at")
    list_filter = ("state", "outcome", "environment")
    list_select_related = ("ticket", "release")
    ordering = ("-id",)
    inlines = (StepInline,)


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    """One numbered thing in a run."""

    see = "ticket.see_all"
    list_display = ("run", "number", "kind", "name", "milliseconds", "created_at")
    list_filter = ("kind",)
    list_select_related = ("run",)
    ordering = ("-run_id", "number")

"""Django admin for the people who configure a workspace: brands, teams, switches, jobs, keys and the audit trail."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from supportdesk.core import jobs
from supportdesk.core.admin_base import (
    ByTable,
    HistoryAdmin,
    ReadOnlyAdmin,
    TenantAdmin,
    TenantForm,
    TenantStackedInline,
    TenantTabularInline,
    WordsOfChange,
    act,
    member_of,
    shown,
)
from supportdesk.core.events import record
from supportdesk.core.key_admin import ApiKeyAdmin, ServiceIdentityAdmin
from supportdesk.core.models import Brand, Event, Job, KillSwitch, Membership, Team, TeamMember
from supportdesk.core.permissions import may
from supportdesk.core.sight import in_sight
from supportdesk.core.tenancy import acting_tenant

__all__ = [
    "ApiKeyAdmin",
    "ByTable",
    "HistoryAdmin",
    "ReadOnlyAdmin",
    "ServiceIdentityAdmin",
    "TenantAdmin",
    "TenantForm",
    "TenantStackedInline",
    "TenantTabularInline",
    "WordsOfChange",
    "act",
    "member_of",
    "shown",
]

# Groups and Django's own permissions rule nothing here.
if admin.site.is_registered(Group):
    admin.site.unregister(Group)


@admin.register(Brand)
class BrandAdmin(TenantAdmin):
    """What customers see of the business."""

    edit = "team.edit"
    list_display = ("name", "key", "agent_name", "reply_minutes")


class TeamMemberInline(TenantTabularInline):
    """Who works in the team."""

    model = TeamMember
    edit = "team.edit"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Teammates of the workspace only: memberships lie outside the walls."""
        if db_field.name == "membership":
            kwargs["queryset"] = Membership.objects.filter(tenant=acting_tenant(), is_active=True).select_related("user")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Team)
class TeamAdmin(TenantAdmin):
    """Teams and who is in them."""

    edit = "team.edit"
    list_display = ("name", "key")
    search_fields = ("name",)
    inlines = (TeamMemberInline,)


@admin.register(KillSwitch)
class KillSwitchAdmin(TenantAdmin):
    """Stops the agent, or one tool of it, in this workspace."""

    see = "policy.see"
    edit = "switch.flip"
    fields = ("tool", "is_on", "reason")
    list_display = ("reach", "state", "reason", "changed_at")
    ordering = ("tool",)

    @shown("Reach", ordering="tool")
    def reach(self, switch: KillSwitch) -> str:
        """What it stops."""
        return switch.tool or "The whole agent"

    @shown("State", label={"Stopped": "danger", "Running": "success"})
    def state(self, switch: KillSwitch) -> str:
        """Whether it stops it now."""
        return "Stopped" if switch.is_on else "Running"

    def tell(self, request: HttpRequest, obj: Any, verb: str, changed: dict[str, Any]) -> Event:
        """A switch says which way it was flipped."""
        return super().tell(request, obj, verb, {**changed, "tool": obj.tool, "is_on": obj.is_on})


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Work behind the scenes: what waits, what runs, what died of what."""

    see = "job.redrive"
    list_display = ("name", "shown_state", "attempts", "run_at", "finished_at", "last_error")
    list_filter = ("state", "name")
    ordering = ("-id",)
    actions = ("redrive",)
    list_disable_select_all = False

    @shown("State", ordering="state", label={"dead": "danger", "done": "success", "running": "info", "queued": "warning"})
    def shown_state(self, job: Job) -> str:
        """Where it stands."""
        return job.state

    def has_redrive_permission(self, request: HttpRequest) -> bool:
        """Whether dead jobs may be given another chance."""
        return may(member_of(request), "job.redrive")

    @act("Run dead jobs again", permission="redrive")
    def redrive(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Give each chosen dead job a fresh set of attempts."""
        again = 0
        for job in queryset:
            if jobs.redrive(job):
                again += 1
                record("job.redriven", by=self.actor(request), job=job.pk)
        left = len(queryset) - again
        said = f"{again} {'job is' if again == 1 else 'jobs are'} due again."
        self.message_user(request, f"{said} {left} were not dead, or wait already." if left else said)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """The audit trail, raw: who did what to which row, chained by hash. The console tells it."""

    see = "audit.see"
    list_display = ("position", "at", "code", "who", "ticket_id")
    list_filter = ("actor_kind",)
    search_fields = ("code",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without what happened to tickets out of sight."""
        rows = super().get_queryset(request)
        member = member_of(request)
        assert member is not None  # noqa: S101
        return in_sight(rows, member)

    @shown("Who", ordering="actor_kind")
    def who(self, event: Event) -> str:
        """The kind of actor and its id."""
        return f"{event.actor_kind} {event.actor_id or ''}".strip()

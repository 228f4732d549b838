"""Django admin for the people who configure a workspace: rights from the permission table, rows of the own workspace only.

The staff flag opens the door; what is seen and changed behind it follows the membership, for superusers too.
"""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db.models import Field, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from simple_history.admin import SimpleHistoryAdmin
from simple_history.manager import HistoryManager
from simple_history.models import ModelChange
from simple_history.template_utils import HistoricalRecordContextHelper
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.decorators import action, display

from supportdesk.core import jobs
from supportdesk.core.events import Actor, record, teammate
from supportdesk.core.models import Brand, Event, Job, KillSwitch, Membership, Role, Team, TeamMember
from supportdesk.core.permissions import may
from supportdesk.core.tenancy import acting_tenant

F = TypeVar("F", bound=Callable[..., Any])

# Groups and Django's own permissions rule nothing here.
if admin.site.is_registered(Group):
    admin.site.unregister(Group)


def shown(
    description: str, *, ordering: str | None = None, label: dict[str, str] | None = None, boolean: bool | None = None
) -> Callable[[F], F]:
    """A column or read-only field: its heading, what it sorts by, and how it looks."""
    return cast(Callable[[F], F], display(description=description, ordering=ordering, label=label, boolean=boolean))


def act(description: str, *, permission: str) -> Callable[[F], F]:
    """An action on chosen rows, for those with `has_<permission>_permission`."""
    return cast(Callable[[F], F], action(description=description, permissions=[permission]))


def member_of(request: HttpRequest) -> Membership | None:
    """The membership the request works with, or None."""
    return getattr(request, "membership", None)


class ByTable:
    """Rights from the permission table: `see` to look, `edit` to add, change and delete; an empty `edit` is read-only."""

    see: ClassVar[str] = "policy.see"
    edit: ClassVar[str] = "policy.edit"

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the app is listed."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether the rows may be seen."""
        return may(member_of(request), self.see)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether a row may be added."""
        return bool(self.edit) and may(member_of(request), self.edit)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether a row may be changed."""
        return bool(self.edit) and may(member_of(request), self.edit)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether a row may be deleted."""
        return bool(self.edit) and may(member_of(request), self.edit)


class TenantForm(forms.ModelForm):  # type: ignore[type-arg]
    """Checks uniqueness inside the workspace, which Django skips because no form shows the tenant."""

    def _post_clean(self) -> None:
        if self.instance.tenant_id is None:
            self.instance.tenant = acting_tenant()
        super()._post_clean()  # type: ignore[misc]

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded - {"tenant"}

    def validate_unique(self) -> None:
        """Say which words are taken in plain language; the database's own name of the rule helps nobody."""
        try:
            super().validate_unique()
        except ValidationError as error:
            self._update_errors(error)

    def _update_errors(self, errors: ValidationError) -> None:
        if hasattr(errors, "error_dict") and NON_FIELD_ERRORS in errors.error_dict:
            errors.error_dict[NON_FIELD_ERRORS] = [_in_plain_words(each) for each in errors.error_dict[NON_FIELD_ERRORS]]
        super()._update_errors(errors)  # type: ignore[misc]


def _in_plain_words(error: ValidationError) -> ValidationError:
    if error.code in ("unique", "unique_together"):
        return ValidationError("There is one of this name already. Choose another.", code=error.code)
    return error


class TenantAdmin(ByTable, ModelAdmin):  # type: ignore[misc]
    """Admin of one kind of row of the workspace; each change is an event of who did it and to which fields."""

    form = TenantForm
    list_per_page = 50
    show_full_result_count = False
    actions_on_bottom = False
    compressed_fields = True
    warn_unsaved_form = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The workspace's rows, and none for somebody without one."""
        member = member_of(request)
        if member is None:
            raise PermissionDenied("You belong to no workspace.")
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(tenant_id=member.tenant_id)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store the row in the workspace, whatever the form says."""
        obj.tenant_id = acting_tenant().pk
        super().save_model(request, obj, form, change)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """What changed, as an event tells it: names of fields and rows, never their content."""
        rows = [
            f"{verb} {formset.model._meta.model_name} {row.pk}"
            for formset in formsets or []
            for verb, found in (
                ("added", formset.new_objects),
                ("changed", [row for row, _fields in formset.changed_objects]),
                ("deleted", formset.deleted_objects),
            )
            for row in found
        ]
        return {"fields": sorted(form.changed_data), **({"rows": rows} if rows else {})}

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The event of a row that was added."""
        return self.tell(request, obj, "added", message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The event of a row that was changed."""
        return self.tell(request, obj, "changed", message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """An event for each row that goes."""
        return [self.tell(request, obj, "deleted", {}) for obj in queryset]

    def tell(self, request: HttpRequest, obj: Any, verb: str, changed: dict[str, Any]) -> Event:
        """Record that the teammate did something to the row."""
        kind = str(self.model._meta.model_name)
        return record(f"{kind}.{verb}", by=self.actor(request), changed=changed, **{kind: obj.pk})

    def actor(self, request: HttpRequest) -> Actor:
        """The teammate who asks."""
        member = member_of(request)
        if member is None:
            raise PermissionDenied("You belong to no workspace.")
        return teammate(member)


class ReadOnlyAdmin(TenantAdmin):
    """Rows that are looked at and never changed here: frozen versions, the ledger, the trace."""

    edit = ""
    warn_unsaved_form = False
    list_disable_select_all = True


class WordsOfChange(HistoricalRecordContextHelper):  # type: ignore[misc]
    """Differences long enough to read whole sentences of them."""

    DEFAULT_MAX_DISPLAYED_DELTA_CHANGE_CHARS = 400

    def __init__(self, model: type[Model], record_: Any) -> None:
        super().__init__(model, record_, max_displayed_delta_change_chars=self.DEFAULT_MAX_DISPLAYED_DELTA_CHANGE_CHARS)

    def prepare_delta_change_value(self, change: ModelChange, value: Any) -> Any:
        """The value as the form shows it, where the form has a way of its own."""
        field: Field[Any, Any] = self.model._meta.get_field(change.field)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if field.choices:
            return dict(field.flatchoices).get(value, value)
        return super().prepare_delta_change_value(change, value)


class HistoryAdmin(SimpleHistoryAdmin, TenantAdmin):  # type: ignore[misc]
    """A row with a history of who changed what, and a way back; both stay inside the workspace."""

    words_of_change: ClassVar[type[WordsOfChange]] = WordsOfChange

    def get_historical_record_context_helper(self, request: HttpRequest, historical_record: Any) -> WordsOfChange:
        """How a difference is shown."""
        return self.words_of_change(self.model, historical_record)

    def get_history_queryset(self, request: HttpRequest, history_manager: HistoryManager, pk_name: str, object_id: Any) -> QuerySet[Any]:
        """The row's history in this workspace.

        Raises:
            Http404: for a row of nobody or of somebody else.
        """
        if member_of(request) is None:
            raise PermissionDenied("You belong to no workspace.")
        if not str(object_id).isdigit():
            raise Http404
        rows: QuerySet[Any] = super().get_history_queryset(request, history_manager, pk_name, object_id)
        return rows.filter(tenant_id=acting_tenant().pk)

    def history_form_view(self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None) -> HttpResponse:
        """One old state of the row; sending it back in needs the right to change the row."""
        mine = self.model.history.filter(tenant_id=acting_tenant().pk) if member_of(request) else None
        if mine is None or not (object_id.isdigit() and version_id.isdigit()) or not mine.filter(pk=version_id, id=object_id).exists():
            raise Http404
        if request.method == "POST" and not self.has_change_permission(request):
            raise PermissionDenied
        response: HttpResponse = super().history_form_view(request, object_id, version_id, extra_context)
        return response

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """What changed; a revert says so."""
        told = super().construct_change_message(request, form, formsets, add)
        return {**told, "reverted": True} if "/history/" in request.path else told


class TenantStackedInline(ByTable, StackedInline):  # type: ignore[misc]
    """Rows inside the page of another one, under the same rights."""

    form = TenantForm
    extra = 0


class TenantTabularInline(ByTable, TabularInline):  # type: ignore[misc]
    """Rows as a table inside the page of another one, under the same rights."""

    form = TenantForm
    extra = 0


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


class MembershipForm(TenantForm):
    """Who is what: an owner is made and unmade by owners, and the last one stays."""

    by: ClassVar[Membership | None] = None

    def clean(self) -> dict[str, Any]:
        """Refuse what would lock the workspace out or raise somebody above the one who asks."""
        data = super().clean() or {}
        was = Membership.objects.get(pk=self.instance.pk)
        role, is_active = data.get("role", was.role), data.get("is_active", was.is_active)
        by_owner = self.by is not None and self.by.role == Role.OWNER
        if Role.OWNER in (role, was.role) and role != was.role and not by_owner:
            raise ValidationError({"role": "Only an owner makes or unmakes an owner."})
        others = Membership.objects.filter(tenant=was.tenant_id, role=Role.OWNER, is_active=True).exclude(pk=was.pk)
        if was.role == Role.OWNER and (role != Role.OWNER or not is_active) and not others.exists():
            raise ValidationError("This is the last owner of the workspace. Make somebody else an owner first.")
        if was.role == Role.OWNER and not is_active and not by_owner:
            raise ValidationError({"is_active": "Only an owner lets an owner go."})
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
    """The audit trail: who did what to which row, chained by hash."""

    see = "ticket.see_all"
    list_display = ("position", "at", "code", "who", "ticket_id")
    list_filter = ("actor_kind",)
    search_fields = ("code",)
    ordering = ("-id",)

    @shown("Who", ordering="actor_kind")
    def who(self, event: Event) -> str:
        """The kind of actor and its id."""
        return f"{event.actor_kind} {event.actor_id or ''}".strip()

"""What every page of Django admin is made of: rights from the permission table, rows of the own workspace only.

The staff flag opens the door; what is seen and changed behind it follows the membership, for superusers too.
"""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import NON_FIELD_ERRORS, BadRequest, PermissionDenied, ValidationError
from django.db.models import Field, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from simple_history.admin import SimpleHistoryAdmin
from simple_history.manager import HistoryManager
from simple_history.models import ModelChange
from simple_history.template_utils import HistoricalRecordContextHelper
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.decorators import action, display

from supportdesk.core.events import Actor, record, teammate
from supportdesk.core.models import Event, Membership
from supportdesk.core.permissions import STEP_UP, may
from supportdesk.core.stepup import demand_proof
from supportdesk.core.tenancy import acting_tenant

F = TypeVar("F", bound=Callable[..., Any])


def shown(
    description: str, *, ordering: str | None = None, label: dict[str, str] | None = None, boolean: bool | None = None
) -> Callable[[F], F]:
    """A column or read-only field: its heading, what it sorts by, and how it looks."""
    return cast(Callable[[F], F], display(description=description, ordering=ordering, label=label, boolean=boolean))


def act(description: str, *, permission: str, of: str = "") -> Callable[[F], F]:
    """An action on chosen rows, for those with `has_<permission>_permission`; `of` names its permission in the table."""

    def around(function: F) -> F:
        made = action(description=description, permissions=[permission])(function)
        made.of_table = of
        return cast(F, made)

    return around


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
    # Saving asks again who it is, even where the permission alone would not.
    asks_again: ClassVar[bool] = False

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None) -> Any:
        """The form. Sending a sensitive one asks again who it is; a field of the row that it does not offer is refused, not passed over.

        Raises:
            BadRequest: naming the field.
        """
        if request.method == "POST":
            self._refuse_hidden_fields(request, object_id)
        return self._asked(request) or super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """The question whether to delete; the same holds."""
        return self._asked(request) or super().delete_view(request, object_id, extra_context)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list; a sensitive action on it asks again who it is."""
        return self._asked(request, is_list=True) or super().changelist_view(request, extra_context)

    def _asked(self, request: HttpRequest, *, is_list: bool = False) -> HttpResponse | None:
        """The answer that asks again, if what is posted is sensitive; whoever may not at all is told that by Django's own check."""
        if request.method != "POST":
            return None
        if is_list:
            # Every field of that name: Django takes the one its `index` points at.
            named = request.POST.getlist("action")
        else:
            opts = self.model._meta
            buttons = (f"{opts.app_label}_{opts.model_name}_{name}" for name in self.actions_submit_line)
            named = [name for name, button in zip(self.actions_submit_line, buttons, strict=True) if button in request.POST]
        wanted = {getattr(getattr(type(self), name, None), "of_table", "") for name in named}
        is_edit = not is_list or "delete_selected" in named
        if is_edit and self.edit:
            wanted.add(self.edit)
        is_mine = any(may(member_of(request), permission) for permission in wanted if permission)
        is_sensitive = bool(wanted & STEP_UP) or (is_edit and self.asks_again)
        return demand_proof(request) if is_mine and is_sensitive else None

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

    def _refuse_hidden_fields(self, request: HttpRequest, object_id: Any) -> None:
        row = self.get_object(request, str(object_id)) if object_id else None
        # Who may not write, and a row that is not there, are told so first.
        if (row is None) is not (object_id is None) or not (
            self.has_change_permission(request, row) if row else self.has_add_permission(request)
        ):
            return
        offered = set(self.get_form(request, row, change=row is not None).base_fields)
        columns = {name for field in self.model._meta.concrete_fields for name in (field.name, field.attname)}
        if hidden := sorted((set(request.POST) & columns) - offered):
            raise BadRequest(f"This form has no field “{hidden[0]}”.")

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Do something to the chosen rows: to all of them, or to none when one is not there."""
        chosen = set(request.POST.getlist(ACTION_CHECKBOX_NAME))
        try:
            found = queryset.filter(pk__in=chosen).count()
        except (ValueError, ValidationError):
            found = -1
        if found != len(chosen):
            self.message_user(request, "Not every row you chose is here any more. Nothing was done.", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        answer: HttpResponse | None = super().response_action(request, queryset)
        return answer

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
        if (asked := self._asked(request)) is not None:
            return asked
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

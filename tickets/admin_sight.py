"""What every admin page about tickets has in common: rows of tickets out of sight are not there."""

from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from supportdesk.core.admin import TenantAdmin, member_of
from supportdesk.core.grants import Grant, give, take, viewing
from supportdesk.core.models import Event, Membership
from supportdesk.core.tenancy import acting_tenant
from tickets.models import Ticket


class InSight(TenantAdmin):
    """Rows that hang on a ticket: only those of tickets the teammate sees."""

    ticket: ClassVar[str] = "ticket"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows in sight; TenantAdmin refuses those who belong to no workspace."""
        rows = super().get_queryset(request)
        member = member_of(request)
        assert member is not None  # noqa: S101
        return rows.filter(**{f"{self.ticket}__in": Ticket.objects.visible_to(member)})


class GrantAdmin(TenantAdmin):
    """Who is let into one private thing; each grant given or taken is an event. Grants are never changed, only ended."""

    see = edit = "team.edit"
    fields = ("user", "content_object")
    list_display = ("user", "content_object")
    list_select_related = ("user", "content_object")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The workspace's grants to look; nothing else counts."""
        return super().get_queryset(request).filter(permission=viewing(self.model))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """People who work here, and what can be private: users lie outside the walls."""
        if db_field.name == "user":
            here = Membership.objects.filter(tenant=acting_tenant(), is_active=True, user__is_active=True)
            kwargs["queryset"] = db_field.related_model.objects.filter(pk__in=here.values("user_id")).order_by("name")
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "content_object":
            field.label = self.model._meta.get_field("content_object").related_model._meta.verbose_name.capitalize()
        return field

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A grant is given or ended."""
        return False

    def save_model(self, request: HttpRequest, obj: Grant, form: Any, change: bool) -> None:
        """Give the grant; one that was given already stays as it is."""
        to = Membership.objects.get(tenant=acting_tenant(), user_id=obj.user_id)
        given = give(type(obj), on=obj.content_object, to=to, by=self.actor(request))
        obj.pk, obj.permission = given.pk, given.permission

    def delete_model(self, request: HttpRequest, obj: Grant) -> None:
        """End the grant."""
        take(obj, by=self.actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """End each chosen grant."""
        for grant in queryset:
            take(grant, by=self.actor(request))

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Event | None:
        """The service told already."""

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Event]:
        """The service tells."""
        return []

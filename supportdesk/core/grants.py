"""Grants: a single teammate let into one private thing (guardian's direct grants); given and taken as an event each."""

from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from guardian.managers import UserObjectPermissionManager
from guardian.models import UserObjectPermissionBase

from supportdesk.core.events import Actor, record
from supportdesk.core.models import Membership, TeamMember
from supportdesk.core.tenancy import TenantManager, TenantModel

G = TypeVar("G", bound="Grant")


class GrantManager(TenantManager[G], UserObjectPermissionManager):
    """guardian's words for giving and taking grants, inside the workspace being acted for."""


class Grant(UserObjectPermissionBase, TenantModel):
    """One teammate's way into one thing, its `content_object`; a grant counts while the person works here."""

    if TYPE_CHECKING:
        content_object: Any
        content_object_id: int

    objects: ClassVar[GrantManager[Self]] = GrantManager()

    class Meta(UserObjectPermissionBase.Meta):
        abstract = True

    def __str__(self) -> str:
        return f"grant on {self.content_object}"


def granted_to(grants: type[Grant], member: Membership) -> models.QuerySet[Any]:
    """The ids of the things a teammate has a grant to view."""
    view = f"view_{_thing(grants)._meta.model_name}"
    mine: models.QuerySet[Any] = grants.objects.filter(user=member.user_id, permission__codename=view)
    return mine.values("content_object")


@transaction.atomic
def give(grants: type[G], *, on: models.Model, to: Membership, by: Actor) -> G:
    """Let a teammate see into one thing; giving it twice is giving it once, and one event."""
    granted, is_new = grants.objects.get_or_create(user_id=to.user_id, content_object=on, permission=viewing(grants))
    if is_new:
        _tell("given", granted, by)
    found: G = granted
    return found


@transaction.atomic
def take(grant: Grant, *, by: Actor) -> None:
    """End a grant now."""
    _tell("taken", grant, by)
    grant.delete()


def viewing(grants: type[Grant]) -> Permission:
    """guardian's name of what a grant lets do: look."""
    thing = _thing(grants)
    kind = ContentType.objects.get_for_model(thing)
    found, _made = Permission.objects.get_or_create(
        content_type=kind, codename=f"view_{thing._meta.model_name}", defaults={"name": f"Can view {thing._meta.verbose_name}"}
    )
    return found


def _thing(grants: type[Grant]) -> type[models.Model]:
    # Asked through Model: the abstract Grant itself has no such field.
    kind: type[models.Model] = grants
    thing: Any = kind._meta.get_field("content_object").related_model
    found: type[models.Model] = thing
    return found


def _tell(verb: str, grant: Any, by: Actor) -> None:
    subject = {str(_thing(type(grant))._meta.model_name): grant.content_object_id, "user": grant.user_id}
    record(f"grant.{verb}", by=by, **subject)


def leave_places(member: Membership) -> None:
    """Take a teammate out of every team and every private place; belongs inside `acting_for` and the caller's transaction."""
    TeamMember.objects.filter(membership=member).delete()
    for kind in Grant.__subclasses__():
        kind.objects.filter(user=member.user_id).delete()

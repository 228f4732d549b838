"""Taking rights away, so that they are gone at once: sessions end, open sockets close, keys that act as the teammate are refused."""

from django.db import transaction

from supportdesk.accounts.sessions import end_all_sessions
from supportdesk.accounts.told import tell
from supportdesk.core import keys
from supportdesk.core.events import SYSTEM_ACTOR, Actor, record, teammate
from supportdesk.core.models import ApiKey, Membership, Role, Tenant, User
from supportdesk.core.permissions import PERMISSIONS
from supportdesk.core.tenancy import acting_for


def owners_take_turns(tenant: Tenant) -> None:
    """Lock the workspace's owners for the caller's transaction, before a teammate is read: two owners cannot unmake each other at once."""
    list(Membership.objects.select_for_update().filter(tenant=tenant, role=Role.OWNER).order_by("pk").only("pk"))


def refused_change(*, member: Membership, role: str, is_active: bool, by: Membership | None) -> tuple[str, str]:
    """Why the teammate may not become this, as (field, sentence); empty when they may. `by` is the teammate who wants it.

    An owner is made, unmade and let go by owners alone, and the last one stays.
    """
    by_owner = by is not None and by.role == Role.OWNER
    comes_back = is_active and not member.is_active
    if Role.OWNER in (role, member.role) and (role != member.role or comes_back) and not by_owner:
        return "role", "Only an owner makes or unmakes an owner."
    others = Membership.objects.filter(tenant=member.tenant_id, role=Role.OWNER, is_active=True, user__is_active=True).exclude(pk=member.pk)
    if member.role == Role.OWNER and (role != Role.OWNER or not is_active) and not others.exists():
        return "", "This is the last owner of the workspace. Make somebody else an owner first."
    if member.role == Role.OWNER and not is_active and not by_owner:
        return "is_active", "Only an owner lets an owner go."
    return "", ""


def opens_admin(user: User, role: str) -> None:
    """Let whoever has something to look after open the admin; what they see there follows their role."""
    if role not in (Role.VIEWER, Role.RESPONDER) and not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])


def set_role(*, member: Membership, role: str, by: Actor) -> None:
    """Make the teammate something else; a role that may less ends their sessions. Keys follow the role at every request."""
    was = member.role
    if was == role:
        return
    with transaction.atomic(), acting_for(member.tenant):
        member.role = role
        member.save(update_fields=["role"])
        opens_admin(member.user, role)
        record("member.role_changed", by=by, member=member.pk, changed={"role": [was, role]})
        if _lost(was, role):
            end_all_sessions(user=member.user, by=by)


def disable(*, member: Membership, by: Actor) -> None:
    """Let the teammate go: they may nothing here any more, nor may keys that act as them."""
    with transaction.atomic(), acting_for(member.tenant):
        record("member.disabled", by=by, member=member.pk)
        revoke_keys(member, by=by)
        end_all_sessions(user=member.user, by=by)
        member.is_active = False
        member.save(update_fields=["is_active"])


def disable_user(*, user: User, by: Actor = SYSTEM_ACTOR) -> None:
    """Close the account in every workspace."""
    with transaction.atomic():
        user.is_active = False
        user.save(update_fields=["is_active"])
        tell(user, "user.disabled", by=by)
        revoke_all_keys(user, by=by)
        end_all_sessions(user=user, by=by)


def change_password(*, user: User, password: str, keeps: str | None = None, by: Actor | None = None, also_keys: bool = True) -> None:
    """Another password: every session but the one with the key `keeps` ends, and the keys that act as this person unless told otherwise."""
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        tell(user, "password.changed", by=by)
        if also_keys:
            revoke_all_keys(user, by=by)
        end_all_sessions(user=user, by=by, besides=keeps)


def revoke_keys(member: Membership, *, by: Actor) -> int:
    """End every key that acts as this teammate; how many there were. Belongs inside `acting_for`."""
    living = ApiKey.objects.filter(tenant=member.tenant, service__membership=member, revoked_at=None)
    return sum(keys.revoke(key, by=by) for key in living)


def revoke_all_keys(user: User, *, by: Actor | None = None) -> int:
    """End every key that acts as this person, in each of their workspaces."""
    ended = 0
    for member in Membership.objects.select_related("tenant", "user").filter(user=user):
        with acting_for(member.tenant):
            ended += revoke_keys(member, by=by or teammate(member))
    return ended


def _lost(was: str, role: str) -> bool:
    """Whether the other role lacks something the earlier one had."""
    return any(was in roles and role not in roles for roles in (frozenset(map(Role, found)) for found in PERMISSIONS.values()))

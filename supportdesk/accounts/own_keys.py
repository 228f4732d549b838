"""API keys somebody makes for programs of their own: they act as them, with no more than their role, and end by a day."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from supportdesk.core import keys
from supportdesk.core.events import record, teammate
from supportdesk.core.models import ApiKey, Membership, ServiceIdentity
from supportdesk.core.models.places import Environment
from supportdesk.core.permissions import PERMISSIONS, STEP_UP, may

MAX_DAYS, MAX_NAME, MAX_OVERLAP_HOURS = 365, 60, 168


class NotLikeThis(Exception):
    """What was asked for cannot be; says why."""


def scopes_for(member: Membership) -> list[str]:
    """What a key of this teammate can be let do: what their role may, except what asks a person again."""
    return sorted(name for name in PERMISSIONS if may(member, name) and name not in STEP_UP and not name.startswith("profile."))


def keys_of(member: Membership) -> list[ApiKey]:
    """The keys that act as this teammate and were not revoked, newest first; belongs inside `acting_for`."""
    mine = ApiKey.objects.select_related("service").filter(tenant=member.tenant_id, service__membership=member, revoked_at=None)
    return list(mine.order_by("-id"))


def make_own_key(*, member: Membership, name: str, scopes: list[str], days: int, is_test: bool = False) -> tuple[ApiKey, str]:
    """A key that acts as this teammate, and its text, which is stored nowhere; belongs inside `acting_for`.

    Raises:
        NotLikeThis: without a name or a scope, with a scope beyond the role, for longer than a year.
    """
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or "\x00" in name:
        raise NotLikeThis(f"Say where the key is used, in at most {MAX_NAME} characters.")
    if not scopes or not set(scopes) <= set(scopes_for(member)):
        raise NotLikeThis("Choose what the key may do, from what your role may.")
    if not 1 <= days <= MAX_DAYS:
        raise NotLikeThis(f"A key lives for 1 to {MAX_DAYS} days.")
    by = teammate(member)
    with transaction.atomic():
        service = ServiceIdentity.objects.create(
            name=_free_name(f"{name} ({member.name})"),
            scopes=sorted(set(scopes)),
            environment=Environment.TEST if is_test else Environment.LIVE,
            membership=member,
        )
        record("service.made", by=by, service=service.pk)
        return keys.make_key(service=service, name=name, expires_at=timezone.now() + timedelta(days=days), by=by)


def rotate_own_key(*, member: Membership, key_id: int, hours: int) -> tuple[ApiKey, str] | None:
    """A new key in place of one's own; the old one lives on for so many hours. None when there is no such key.

    Raises:
        NotLikeThis: for hours out of bounds, and for a key that opens nothing any more.
    """
    if not 0 <= hours <= MAX_OVERLAP_HOURS:
        raise NotLikeThis(f"The old key may live on for 0 to {MAX_OVERLAP_HOURS} hours.")
    key = _own(member, key_id)
    if key is None:
        return None
    try:
        return keys.rotate(key, overlap=timedelta(hours=hours), by=teammate(member))
    except keys.CannotRotate as error:
        raise NotLikeThis(str(error)) from error


def revoke_own_key(*, member: Membership, key_id: int) -> bool:
    """End one's own key now; False when there is no such key."""
    key = _own(member, key_id)
    return key is not None and keys.revoke(key, by=teammate(member))


def _own(member: Membership, key_id: int) -> ApiKey | None:
    return ApiKey.objects.filter(tenant=member.tenant_id, service__membership=member, revoked_at=None, pk=key_id).first()


def _free_name(wanted: str) -> str:
    wanted = wanted[:74]
    taken = set(ServiceIdentity.objects.filter(name__startswith=wanted).values_list("name", flat=True))
    return next(name for name in (wanted, *(f"{wanted} {n}" for n in range(2, 10_000))) if name not in taken)

"""API keys: made once, shown once, found again by their text, revoked; and what their bearer may do."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from supportdesk.core.events import SYSTEM_ACTOR, Actor, record, teammate
from supportdesk.core.models import ApiKey, Membership, ServiceIdentity, Tenant
from supportdesk.core.permissions import PERMISSIONS, may
from supportdesk.core.tenancy import acting_for, one_reading

KEY = re.compile(r"sd_(live|test)_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
USED_EVERY = timedelta(minutes=1)


class CannotRotate(Exception):
    """The key opens nothing any more."""


@dataclass(frozen=True)
class Principal:
    """Whoever bears a valid key: the service, and the teammate it acts as, if it does."""

    key: ApiKey
    service: ServiceIdentity
    tenant: Tenant
    member: Membership | None

    @property
    def environment(self) -> str:
        """Live or test: the only tickets this principal reaches."""
        return self.service.environment

    @property
    def actor(self) -> Actor:
        """Whom events name: the teammate it acts as, else the service."""
        return teammate(self.member) if self.member else Actor("service", self.service.pk)

    def may(self, permission: str) -> bool:
        """Whether the scopes hold the permission and, when acting as a teammate, their role does too.

        Raises:
            KeyError: for a permission the table does not have.
        """
        known = PERMISSIONS[permission]
        return bool(known) and permission in self.service.scopes and (self.member is None or may(self.member, permission))


def make_key(*, service: ServiceIdentity, name: str, expires_at: datetime | None = None, by: Actor = SYSTEM_ACTOR) -> tuple[ApiKey, str]:
    """A new key of this service and its text, which is stored nowhere; belongs inside `acting_for`."""
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    with transaction.atomic():
        key = ApiKey.objects.create(
            tenant_id=service.tenant_id, service=service, name=name, prefix=prefix, hash=_hashed(secret), expires_at=expires_at
        )
        record("key.made", by=by, key=key.pk, service=service.pk)
    return key, f"sd_{service.environment}_{prefix}_{secret}"


def revoke(key: ApiKey, *, by: Actor = SYSTEM_ACTOR) -> bool:
    """End a key now; False when it was revoked before. Belongs inside `acting_for`."""
    with transaction.atomic():
        ended = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
        if ended:
            record("key.revoked", by=by, key=key.pk)
    return bool(ended)


def rotate(key: ApiKey, *, overlap: timedelta, by: Actor = SYSTEM_ACTOR) -> tuple[ApiKey, str]:
    """A new key in place of this one, and its text; the old one lives on for the overlap, never longer than it would have.

    Belongs inside `acting_for`.

    Raises:
        CannotRotate: for a key that is revoked or over, or whose service is switched off.
    """
    with transaction.atomic():
        now = timezone.now()
        held = ApiKey.objects.select_for_update().get(pk=key.pk)
        if held.revoked_at or (held.expires_at and held.expires_at <= now) or not held.service.is_active:
            raise CannotRotate("This key opens nothing any more. Make a new one.")
        # As long a life as the old one was given.
        ends = now + (held.expires_at - held.created_at) if held.expires_at else None
        made, text = make_key(service=held.service, name=held.name, expires_at=ends, by=by)
        held.expires_at = min(now + overlap, held.expires_at or now + overlap)
        held.save(update_fields=["expires_at"])
        record("key.rotated", by=by, key=held.pk, new_key=made.pk)
    return made, text


def principal_of(text: str) -> Principal | None:
    """The bearer of this key, or None: unknown, malformed, expired, revoked and switched-off ones look alike."""
    parts = KEY.fullmatch(text)
    prefix, secret = (parts[2], parts[3]) if parts else ("", "")
    key = ApiKey.objects.select_related("tenant").filter(prefix=prefix).first()
    # Compared in every case: how long a refusal takes tells nothing.
    fits = hmac.compare_digest(_hashed(secret), key.hash if key else _hashed(""))
    if parts is None or key is None or not fits or not key.tenant.is_active:
        return None
    now = timezone.now()
    if key.revoked_at or (key.expires_at and key.expires_at <= now):
        return None
    with acting_for(key.tenant), one_reading():
        service = ServiceIdentity.objects.select_related("membership__user").filter(pk=key.service_id, is_active=True).first()
        if service is None or service.environment != parts[1]:
            return None
        member: Membership | None = service.membership
        if member is not None and not (member.is_active and member.user.is_active and member.tenant_id == key.tenant_id):
            return None
        if key.last_used_at is None or key.last_used_at < now - USED_EVERY:
            stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_EVERY)
            ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
    return Principal(key, service, key.tenant, member)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

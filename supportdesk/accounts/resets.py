"""A new password by mail: the same answer for every address, a link that opens once within the hour, three mails an hour at most."""

import hashlib
import hmac
import secrets
from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from supportdesk.accounts.models import PasswordReset
from supportdesk.accounts.people import change_password
from supportdesk.accounts.told import tell
from supportdesk.core.jobs import enqueue
from supportdesk.core.middleware import membership_of
from supportdesk.core.models import User
from supportdesk.core.tenancy import acting_for, acting_tenant

MINUTES, MAILS_AN_HOUR = 60, 3
TOKEN_LENGTH = 43


class UsedLink(Exception):
    """The link is unknown, used, replaced by nothing or too old; which of these is not told."""


def ask(*, address: str, origin: str) -> None:
    """Mail a link to this address if somebody signs in with it; nothing tells the asker whether."""
    wanted = address.strip().lower()
    marked = hmac.new(settings.SECRET_KEY.encode(), wanted.encode(), "sha256").hexdigest()
    now = timezone.now()
    with transaction.atomic():
        # The person's row is the lock: wishes for one address take turns, so a fourth mail within the hour never leaves.
        user = User.objects.select_for_update().filter(email=wanted, is_active=True).first()
        asked = PasswordReset.objects.filter(address_hash=marked, created_at__gt=now - timedelta(hours=1)).count()
        if asked >= MAILS_AN_HOUR:
            return
        row = PasswordReset.objects.create(
            address_hash=marked, user=user, origin=origin[:200], expires_at=now + timedelta(minutes=MINUTES), created_at=now
        )
        member = membership_of(user.pk) if user else None
        if member is not None:
            with acting_for(member.tenant):
                enqueue("accounts.send_reset", reset_id=row.pk)
    PasswordReset.objects.filter(created_at__lt=now - timedelta(days=1)).delete()


def send(reset_id: int) -> None:
    """Job: make the token and mail it. A second run mails another one, which replaces the first.

    Raises:
        ScopeError: outside `acting_for`: every job belongs to a workspace, here one the person works in.
    """
    acting_tenant()
    row = PasswordReset.objects.select_related("user").filter(pk=reset_id).first()
    if row is None or row.user is None or row.used_at or row.expires_at <= timezone.now():
        return
    token = secrets.token_urlsafe(32)
    row.token_hash = hashed(token)
    row.save(update_fields=["token_hash"])
    send_mail(
        subject="Choose a new password for SupportDesk",
        message=(
            "Somebody asked for a new password for your account. If it was you, open this page and choose one:\n\n"
            f"{row.origin}{reverse('console:new_password', args=[token])}\n\n"
            f"It opens once, within {MINUTES} minutes. If it was not you, do nothing: your password stays what it is."
        ),
        from_email=None,
        recipient_list=[row.user.email],
    )


def found(token: object) -> PasswordReset | None:
    """The open wish this token belongs to, or None."""
    if not isinstance(token, str) or len(token) != TOKEN_LENGTH:
        return None
    living = PasswordReset.objects.select_related("user").filter(used_at=None, expires_at__gt=timezone.now(), user__is_active=True)
    return living.filter(token_hash=hashed(token)).first()


@sensitive_variables("token", "password")
def redeem(*, token: object, password: str) -> User:
    """Set the new password, once; sessions and keys of the person end, and so do their other links.

    Raises:
        UsedLink: for a token that opens nothing.
    """
    with transaction.atomic():
        row = found(token)
        # One of two at the same time gets the row; the other finds it used.
        if row is None or row.user is None or not PasswordReset.objects.filter(pk=row.pk, used_at=None).update(used_at=timezone.now()):
            raise UsedLink
        PasswordReset.objects.filter(user=row.user, used_at=None).update(used_at=timezone.now())
        tell(row.user, "password.reset")
        change_password(user=row.user, password=password)
    return row.user


def hashed(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()

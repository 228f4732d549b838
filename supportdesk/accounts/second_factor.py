"""The second factor: an authenticator app (TOTP) with recovery codes, on the rows of django-allauth.

Secrets are sealed to their owner: allauth's hooks are not told whose secret they seal, so everything here runs inside `secrets_of(user)`.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import cast

from allauth.core import ratelimit
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret, validate_totp_code
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from supportdesk.accounts.told import tell
from supportdesk.core.models import User
from supportdesk.core.sealing import CannotOpen, seal, unseal
from supportdesk.core.shared import first_time

PENDING = "second_factor_pending"
# A session whose person showed a second factor, so that not every request asks the database.
SHOWN = "second_factor"
# A code holds for three periods of thirty seconds and opens once.
USED_SECONDS = 120
WRONG, TOO_MANY = "That code does not fit. Wait for the next one and try again.", "Too many tries. Wait five minutes, then try again."

_owner: ContextVar[int | None] = ContextVar("owner of sealed sign-in secrets", default=None)


@contextmanager
def secrets_of(user: User) -> Iterator[None]:
    """Seal and open secrets of this user, and of nobody else."""
    token = _owner.set(user.pk)
    try:
        yield
    finally:
        _owner.reset(token)


def sealed_place() -> str:
    """Where the secret belongs: a row of another user does not open with it.

    Raises:
        CannotOpen: outside `secrets_of`.
    """
    owner = _owner.get()
    if owner is None:
        raise CannotOpen("Whose secret this is was not said.")
    return place_of(owner)


def place_of(user_id: int) -> str:
    """Where the sealed secrets of this user open."""
    return f"user|mfa.Authenticator|data|{user_id}"


def has_second_factor(user: User) -> bool:
    """Whether the user set up an authenticator app."""
    return bool(get_adapter().is_mfa_enabled(user, [Authenticator.Type.TOTP]))


def pending_secret(session: SessionBase, user: User, *, anew: bool = False) -> str:
    """The secret that waits to be confirmed in this session, sealed there as well."""
    with secrets_of(user):
        if not anew and (sealed := session.get(PENDING)):
            try:
                return unseal(sealed, place=sealed_place())
            except CannotOpen:
                pass
        secret = cast(str, generate_totp_secret())
        session[PENDING] = seal(secret, place=sealed_place())
    return secret


def qr_image(user: User, secret: str) -> str:
    """The picture an authenticator app reads, as a data address."""
    adapter = get_adapter()
    svg = cast(str, adapter.build_totp_svg(adapter.build_totp_url(user, secret)))
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


@sensitive_variables("code", "secret")
def enrol(request: HttpRequest, user: User, code: str) -> list[str] | None:
    """Set up the app if its code fits; the recovery codes, which are shown this once, or None."""
    secret = pending_secret(request.session, user)
    if not _counted(request, user) or not validate_totp_code(secret, _digits(code)):
        return None
    _forget_tries(request, user)
    with secrets_of(user), transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        Authenticator.objects.filter(user=user).delete()
        TOTP.activate(user, secret)
        codes = RecoveryCodes.activate(user)
        shown = cast(list[str], codes.generate_codes())
        tell(user, "second_factor.added")
    request.session.pop(PENDING, None)
    request.session[SHOWN] = True
    return shown


@sensitive_variables("code")
def check(request: HttpRequest, user: User, code: str) -> str:
    """Take a code of the app or a recovery code: an empty sentence when it fits, else why not. Each opens once."""
    if not _counted(request, user):
        return TOO_MANY
    typed = _digits(code)
    with secrets_of(user):
        for row in Authenticator.objects.filter(user=user).order_by("-type"):
            if not typed or not _fits(row, typed):
                continue
            row.record_usage()
            if row.type == Authenticator.Type.RECOVERY_CODES:
                tell(user, "recovery_code.used")
            _forget_tries(request, user)
            request.session[SHOWN] = True
            return ""
    return WRONG


def new_recovery_codes(user: User) -> list[str]:
    """Other recovery codes in place of the old ones; shown this once."""
    with secrets_of(user), transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
        shown = cast(list[str], RecoveryCodes.activate(user).generate_codes())
        tell(user, "recovery_codes.made")
    return shown


def recovery_codes_left(user: User) -> int:
    """How many recovery codes still open."""
    row = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    if row is None:
        return 0
    with secrets_of(user):
        return len(RecoveryCodes(row).get_unused_codes())


def remove(user: User) -> None:
    """Take the second factor away, recovery codes included."""
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        tell(user, "second_factor.removed")


def _fits(row: Authenticator, typed: str) -> bool:
    if row.type == Authenticator.Type.RECOVERY_CODES:
        return bool(RecoveryCodes(row).validate_code(typed))
    if not TOTP(row).validate_code(typed):
        return False
    used = hashlib.sha256(f"{row.user_id}:{typed}".encode()).hexdigest()
    return first_time(None, "totp-used", used, seconds=USED_SECONDS)


def _counted(request: HttpRequest, user: User) -> bool:
    return bool(ratelimit.consume(request, action="login_failed", key=_tries_of(user)))


def _forget_tries(request: HttpRequest, user: User) -> None:
    ratelimit.clear(request, action="login_failed", key=_tries_of(user))


def _tries_of(user: User) -> str:
    return hmac.new(b"second factor", str(user.pk).encode(), "sha256").hexdigest()


def _digits(code: str) -> str:
    return "".join(char for char in code if char.isascii() and char.isdigit())

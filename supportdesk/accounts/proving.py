"""How somebody who is signed in proves again who they are: a code where a second factor is set up, else the password."""

from typing import cast

from axes.conf import settings as axes
from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from supportdesk.accounts import second_factor
from supportdesk.core.models import User

LOCKED = "Too many tries. Wait a quarter of an hour, then try again."


def asked_of(request: HttpRequest) -> str:
    """What this person is asked for: `code`, `password`, or `sign_on` at their workspace's identity provider."""
    from supportdesk.accounts.provider import can_prove

    user, member = cast(User, request.user), getattr(request, "membership", None)
    if second_factor.has_second_factor(user):
        return "code"
    return "sign_on" if member is not None and can_prove(user, member.tenant) else "password"


@sensitive_variables("proof")
def prove(request: HttpRequest, proof: str) -> str:
    """An empty sentence when the proof holds, else why not; wrong passwords count as those of signing in do."""
    if not request.user.is_authenticated:
        return "Sign in first."
    user = request.user
    if asked_of(request) == "code":
        return second_factor.check(request, user, proof)
    if asked_of(request) == "sign_on":
        return "Sign in at your identity provider."
    credentials = {str(axes.AXES_USERNAME_FORM_FIELD): user.email}
    known = authenticate(request, **credentials, password=proof) if AxesProxyHandler.is_allowed(request, credentials) else None
    if getattr(request, "axes_locked_out", False) or not AxesProxyHandler.is_allowed(request, credentials):
        # Told here, so the middleware of axes does not answer in its own words.
        request.axes_locked_out = False  # type: ignore[attr-defined]
        return LOCKED
    return "" if known is not None and known.pk == user.pk else "That is not your password."

"""The workspace's sign-in rules hold for every signed-in request, and every session is seen."""

import hashlib
from collections.abc import Callable
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from supportdesk.accounts.rules import is_over, lacks_second_factor
from supportdesk.core.clients import client_address
from supportdesk.core.models import Membership
from supportdesk.core.shared import first_time

SEEN_EVERY = 60
# What opens before a second factor is set up: setting it up, proving who one is, going away.
BEFORE = frozenset({"console:second_factor", "console:prove", "console:sign_out", "console:sign_in", "home", "health"})


class SignInRulesMiddleware:
    """Ends sessions that are too old, leads whoever lacks a second factor to setting it up, notes when a session was seen."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Run the rest of the request."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        """Answer instead of the view where a rule says so."""
        member: Membership | None = getattr(request, "membership", None)
        if member is None:
            return None
        if is_over(request.session, member.tenant):
            logout(request)
            messages.info(request, "Your session is over. Sign in again.")
            return _to(request, redirect_to_login(request.get_full_path()).url)
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name not in BEFORE and lacks_second_factor(request.session, member):
            return _to(request, reverse("console:second_factor"))
        note_session(request)
        return None


def note_session(request: HttpRequest) -> None:
    """Remember device, address and time of this session, at most once a minute."""
    key = request.session.session_key
    if not key or not first_time(None, "session-seen", hashlib.sha256(key.encode()).hexdigest(), seconds=SEEN_EVERY):
        return
    now = {"last_seen_at": timezone.now(), "ip": client_address(request)}
    if not UserSession.objects.filter(session_key=key, user_id=request.user.pk).update(**now):
        agent = request.headers.get("User-Agent", "")[: UserSession._meta.get_field("user_agent").max_length]
        UserSession.objects.bulk_create(
            [UserSession(session_key=key, user_id=request.user.pk, user_agent=agent, **now)], ignore_conflicts=True
        )


def _to(request: HttpRequest, url: str) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        away = HttpResponse(status=204)
        away["HX-Redirect"] = url
        return away
    return HttpResponseRedirect(url)

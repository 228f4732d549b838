"""One's own page: name, password, second factor, where one is signed in, and keys that act as oneself."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from supportdesk.accounts import own_keys, second_factor
from supportdesk.accounts.people import change_password
from supportdesk.accounts.rules import provider_of
from supportdesk.accounts.sessions import end_all_sessions, end_session, sessions_of
from supportdesk.accounts.told import tell
from supportdesk.console.asking import member_of, takes
from supportdesk.console.devices import device_name
from supportdesk.console.views.password import NewPasswordForm
from supportdesk.console.views.second_factor import user_of
from supportdesk.core.permissions import allowed

MAX_NAME = 120


@require_GET
@never_cache
@allowed("profile.see")
def profile(request: HttpRequest) -> HttpResponse:
    """The page."""
    return _page(request)


@require_POST
@allowed("profile.see")
@takes("name")
def rename(request: HttpRequest) -> HttpResponse:
    """Another name."""
    user, name = user_of(request), " ".join(request.POST.get("name", "").replace("\x00", "").split())
    if not name or len(name) > MAX_NAME:
        return _page(request, status=422, faults={"name": f"A name has 1 to {MAX_NAME} characters."})
    with transaction.atomic():
        user.name = name
        user.save(update_fields=["name"])
        tell(user, "user.renamed")
    messages.success(request, "Your name is changed.")
    return redirect("console:profile")


@sensitive_post_parameters()
@require_POST
@allowed("profile.secure")
@takes("username", "password", "keys")
def change(request: HttpRequest) -> HttpResponse:
    """Another password: every other session ends, and so do one's keys unless they shall stay."""
    user, form = user_of(request), NewPasswordForm(request.POST, user=user_of(request))
    if provider_of(request.session) is not None:
        # The provider's word opens this workspace; a password would open whatever the person joins later.
        return _page(
            request, status=422, faults={"password": "You came by single sign-on. Choose a password through “Forgot it?” instead."}
        )
    if not form.is_valid():
        return _page(request, status=422, faults={"password": " ".join(map(str, form.errors["password"]))})
    also_keys = request.POST.get("keys") == "end"
    change_password(user=user, password=form.cleaned_data["password"], keeps=request.session.session_key, also_keys=also_keys)
    # The session that did it goes on under a new key.
    update_session_auth_hash(request, user)
    messages.success(request, "Your password is changed. You are signed out everywhere else.")
    return redirect("console:profile")


@require_POST
@allowed("profile.see")
@takes()
def end_one(request: HttpRequest, session_id: int) -> HttpResponse:
    """End one session; another person's is not there."""
    if not end_session(user=user_of(request), session_id=session_id):
        raise Http404("There is no such session of yours.")
    messages.success(request, "That session has ended.")
    return redirect("console:profile")


@require_POST
@allowed("profile.see")
@takes()
def end_others(request: HttpRequest) -> HttpResponse:
    """End all sessions but this one."""
    ended = end_all_sessions(user=user_of(request), besides=request.session.session_key)
    messages.success(request, f"{ended} other {'session has' if ended == 1 else 'sessions have'} ended.")
    return redirect("console:profile")


@require_POST
@never_cache
@allowed("profile.secure")
@takes("name", "scopes", "days", "environment")
def make_key(request: HttpRequest) -> HttpResponse:
    """A new key, shown this once."""
    days = request.POST.get("days", "")
    try:
        key, text = own_keys.make_own_key(
            member=member_of(request),
            name=request.POST.get("name", ""),
            scopes=request.POST.getlist("scopes"),
            days=_number(days),
            is_test=request.POST.get("environment") == "test",
        )
    except own_keys.NotLikeThis as error:
        return _page(request, status=422, faults={"key": str(error)})
    return _key_shown(request, key, text)


@require_POST
@never_cache
@allowed("profile.secure")
@takes("hours")
def rotate_key(request: HttpRequest, key_id: int) -> HttpResponse:
    """A new key in place of an old one, which lives on for some hours."""
    try:
        done = own_keys.rotate_own_key(member=member_of(request), key_id=key_id, hours=_number(request.POST.get("hours", "")))
    except own_keys.NotLikeThis as error:
        return _page(request, status=422, faults={"key": str(error)})
    if done is None:
        raise Http404("There is no such key of yours.")
    return _key_shown(request, *done)


@require_POST
@allowed("profile.see")
@takes()
def revoke_key(request: HttpRequest, key_id: int) -> HttpResponse:
    """End one's own key."""
    if not own_keys.revoke_own_key(member=member_of(request), key_id=key_id):
        raise Http404("There is no such key of yours.")
    messages.success(request, "That key opens nothing any more.")
    return redirect("console:profile")


def _page(request: HttpRequest, *, status: int = 200, faults: dict[str, str] | None = None) -> HttpResponse:
    user, member = user_of(request), member_of(request)
    here = request.session.session_key
    context: dict[str, Any] = {
        "person": user,
        "member": member,
        "has_second_factor": second_factor.has_second_factor(user),
        "codes_left": second_factor.recovery_codes_left(user),
        "sessions": [(row, device_name(row.user_agent), row.session_key == here) for row in sessions_of(user)],
        "keys": own_keys.keys_of(member),
        "scopes": own_keys.scopes_for(member),
        "faults": faults or {},
        "typed": request.POST if faults else {},
        "chosen": request.POST.getlist("scopes") if faults else [],
    }
    return render(request, "console/profile.html", context, status=status)


def _key_shown(request: HttpRequest, key: Any, text: str) -> HttpResponse:
    return render(request, "console/key_made.html", {"key": key, "text": text})


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1

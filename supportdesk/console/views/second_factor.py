"""Setting up a second factor, taking it away, and recovery codes."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from supportdesk.accounts import second_factor
from supportdesk.accounts.rules import rules_of
from supportdesk.accounts.sessions import end_all_sessions
from supportdesk.console.asking import member_of, takes
from supportdesk.core.models import User
from supportdesk.core.permissions import allowed


def user_of(request: HttpRequest) -> User:
    """Who is signed in, for views behind `allowed`."""
    return cast(User, request.user)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@never_cache
@allowed("profile.secure")
@takes("code")
def second_factor_page(request: HttpRequest) -> HttpResponse:
    """Show the secret as a picture and as text, and take the first code; then the recovery codes, this once."""
    user = user_of(request)
    if second_factor.has_second_factor(user):
        return redirect("console:profile")
    is_required = rules_of(member_of(request).tenant).require_second_factor
    fault = ""
    if request.method == "POST" and "code" in request.POST:
        codes = second_factor.enrol(request, user, request.POST["code"][:20])
        if codes is not None:
            return _shown(request, codes, title="Your second factor is set up")
        fault = "That code does not fit. Enter the one the app shows now."
    secret = second_factor.pending_secret(request.session, user)
    context = {
        "image": second_factor.qr_image(user, secret),
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "fault": fault,
        "is_required": is_required,
    }
    return render(request, "console/second_factor.html", context, status=422 if fault else 200)


@require_POST
@never_cache
@allowed("profile.secure")
@takes()
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Other recovery codes in place of the old ones."""
    user = user_of(request)
    if not second_factor.has_second_factor(user):
        return redirect("console:second_factor")
    return _shown(request, second_factor.new_recovery_codes(user), title="Your new recovery codes")


@require_POST
@allowed("profile.secure")
@takes()
def remove_second_factor(request: HttpRequest) -> HttpResponse:
    """Take the second factor away, where the workspace does not ask for one."""
    user = user_of(request)
    if rules_of(member_of(request).tenant).require_second_factor:
        messages.error(request, "Your workspace asks for a second factor, so it stays.")
        return redirect("console:profile")
    second_factor.remove(user)
    request.session.pop(second_factor.SHOWN, None)
    end_all_sessions(user=user, besides=request.session.session_key)
    messages.success(request, "Your second factor is gone. Your other sessions have ended.")
    return redirect("console:profile")


def _shown(request: HttpRequest, codes: list[str], *, title: str) -> HttpResponse:
    pairs = [f"{code[: len(code) // 2]} {code[len(code) // 2 :]}" for code in codes]
    return render(request, "console/recovery_codes.html", {"codes": pairs, "title": title})

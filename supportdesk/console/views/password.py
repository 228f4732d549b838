"""A forgotten password: ask for a mail, open its link once, choose another."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from supportdesk.accounts import resets
from supportdesk.core.clients import client_network
from supportdesk.core.models import User
from supportdesk.core.shared import counted

IN_SESSION = "reset"
MAX_PASSWORD = 256
# Wishes of one client in an hour, whatever addresses they name.
WISHES_AN_HOUR = 20


class AddressForm(forms.Form):
    """The address somebody signs in with."""

    email = forms.EmailField(max_length=254, error_messages={"required": "Enter your email address."})


class NewPasswordForm(forms.Form):
    """A new password, once; the page lets it be looked at by the browser's own means."""

    password = forms.CharField(max_length=MAX_PASSWORD, strip=False, error_messages={"required": "Enter a new password."})

    def __init__(self, *args: Any, user: User | None = None, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_password(self) -> str:
        """As strong as the installation wants."""
        password = str(self.cleaned_data["password"])
        if "\x00" in password:
            raise ValidationError("A password has no zero character.")
        validate_password(password, self.user)
        return password


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@never_cache
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a link; the answer is the same for every address."""
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not _is_flooding(request):
            resets.ask(address=form.cleaned_data["email"], origin=f"{request.scheme}://{request.get_host()}")
        return render(request, "console/password_sent.html", {"minutes": resets.MINUTES})
    return render(request, "console/password_forgotten.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
@never_cache
def new_password(request: HttpRequest, token: str) -> HttpResponse:
    """The mail's link: the token moves into the session, so that no page's address and no Referer holds it."""
    request.session[IN_SESSION] = token[:64]
    response = redirect("console:set_password")
    response["Referrer-Policy"] = "no-referrer"
    return response


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@never_cache
def set_password(request: HttpRequest) -> HttpResponse:
    """Choose the new password; then sign in with it."""
    token = request.session.get(IN_SESSION)
    row = resets.found(token)
    form = NewPasswordForm(request.POST or None, user=row.user if row else None)
    if row is not None and request.method == "POST" and form.is_valid():
        try:
            resets.redeem(token=token, password=form.cleaned_data["password"])
        except resets.UsedLink:
            row = None
        else:
            request.session.flush()
            messages.success(request, "Your password is changed. Sign in with it.")
            return redirect(settings.LOGIN_URL)
    if row is None:
        request.session.pop(IN_SESSION, None)
        return render(request, "console/password_gone.html", status=410)
    return render(request, "console/password_new.html", {"form": form, "user": row.user}, status=422 if form.errors else 200)


def _is_flooding(request: HttpRequest) -> bool:
    return counted(None, "reset-wishes", client_network(request), seconds=3600) > WISHES_AN_HOUR

"""Signing in and out, changing the workspace, being available."""

from typing import Any, cast

from allauth.account.internal.flows.login import perform_password_login, record_authentication
from allauth.account.models import Login
from allauth.account.stages import LoginStageController
from allauth.mfa.internal.constants import LoginStageKey
from allauth.socialaccount.models import SocialApp
from axes.conf import settings as axes
from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from supportdesk.accounts import second_factor
from supportdesk.accounts.adapters import NO_WORKSPACE, STAY
from supportdesk.console.asking import member_of, takes, wants_fragment
from supportdesk.core.events import record, teammate
from supportdesk.core.middleware import membership_of
from supportdesk.core.models import Membership, User
from supportdesk.core.permissions import allowed

FEW = 4


def counted_by() -> str:
    """The name under which axes counts a login's tries."""
    return str(axes.AXES_USERNAME_FORM_FIELD)


class SignInForm(AuthenticationForm):
    """Email and password; people without a workspace are told so."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        email = forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
        self.fields["username"] = forms.EmailField(label=_("Email"), max_length=254, widget=email)
        self.fields["password"].label = _("Password")

    def clean_username(self) -> str:
        """One spelling: other capitals are no other account, and no other count of tries."""
        return str(self.cleaned_data["username"]).lower()

    def clean(self) -> dict[str, Any]:
        """Ask the backends under the name axes counts tries by; under another they would be counted for nobody."""
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if email and password:
            self.user_cache = authenticate(self.request, **{counted_by(): email, "password": password})
            if self.user_cache is None:
                raise self.get_invalid_login_error()
            self.confirm_login_allowed(self.user_cache)
        return self.cleaned_data

    def get_invalid_login_error(self) -> ValidationError:
        """What did not match, and how often one may still try when few tries are left."""
        failures = AxesProxyHandler.get_failures(self.request, {counted_by(): self.cleaned_data["username"]})
        left = settings.AXES_FAILURE_LIMIT - int(failures)
        said = _("Email and password do not match.")
        if 0 < left <= FEW:
            said += " " + ngettext("%(n)d try left.", "%(n)d tries left.", left) % {"n": left}
        return ValidationError(said, code="invalid_login")

    def confirm_login_allowed(self, user: Any) -> None:
        """Only people who work somewhere come in."""
        super().confirm_login_allowed(user)
        if membership_of(user.pk) is None and not user.is_superuser:
            raise ValidationError(NO_WORKSPACE, code="no_workspace")


class SignIn(LoginView):
    """The sign-in page; too many tries lock it for a while, and it says for how long."""

    template_name = "console/sign_in.html"
    authentication_form = SignInForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Pass signed-in people on; say a lock in our own words."""
        if getattr(request, "membership", None) is not None:
            return redirect(self.get_success_url())
        response = super().dispatch(request, *args, **kwargs)
        if getattr(request, "axes_locked_out", False):
            # Told here, so the middleware of axes does not answer in its own words.
            request.axes_locked_out = False  # type: ignore[attr-defined]
            minutes = round(settings.AXES_COOLOFF_TIME * 60)
            return render(request, self.template_name, {"form": self.get_form_class()(request), "locked_minutes": minutes}, status=429)
        return response

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Begin the session, or ask for the second factor first."""
        user = form.get_user()
        self.request.session[STAY] = bool(self.request.POST.get("stay"))
        # Platform operators who work nowhere have a site of their own.
        goes = self.get_redirect_url() or (reverse("operator:workspaces") if membership_of(user.pk) is None else self.get_success_url())
        login = Login(user=user, email=user.email, redirect_url=goes)
        return cast(HttpResponse, perform_password_login(self.request, {"email": user.email}, login))

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Show the form again with the reason."""
        return self.render_to_response(self.get_context_data(form=form), status=422)


sign_in = SignIn.as_view()


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@never_cache
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """The second step of signing in: a code of the app, or a recovery code."""
    try:
        stage = LoginStageController.enter(request, LoginStageKey.MFA_AUTHENTICATE.value)
    except SocialApp.DoesNotExist:
        # The workspace's provider was taken away between the two steps.
        stage = None
    if stage is None or stage.login.user is None or not stage.login.user.is_active:
        return redirect("console:sign_in")
    user, fault = cast(User, stage.login.user), ""
    if request.method == "POST":
        fault = second_factor.check(request, user, request.POST.get("code", "")[:20])
        if not fault:
            record_authentication(request, user, method="mfa", type="totp")
            return cast(HttpResponse, stage.exit())
    return render(request, "console/sign_in_code.html", {"fault": fault}, status=422 if fault else 200)


sign_out = LogoutView.as_view(http_method_names=["post", "options"])


@require_POST
@allowed("ticket.list")
@takes("membership")
def switch_workspace(request: HttpRequest) -> HttpResponse:
    """Work in another of one's own workspaces from here on."""
    wanted = request.POST.get("membership", "")
    mine = Membership.objects.filter(user=member_of(request).user, is_active=True, tenant__is_active=True)
    chosen = mine.filter(pk=int(wanted)).first() if wanted.isascii() and wanted.isdigit() and len(wanted) < 19 else None
    if chosen is None:
        raise Http404("You do not work there.")
    request.session["membership"] = chosen.pk
    return redirect("console:queue")


@require_POST
@allowed("ticket.list")
@takes("available")
def set_availability(request: HttpRequest) -> HttpResponse:
    """Take new work, or not for now."""
    member = member_of(request)
    is_available = request.POST.get("available") == "1"
    with transaction.atomic():
        Membership.objects.filter(pk=member.pk).update(is_available=is_available)
        record("member.availability_changed", by=teammate(member), member=member.pk, changed={"is_available": is_available})
    member.is_available = is_available
    if wants_fragment(request):
        return render(request, "console/_me.html", {"member": member})
    messages.success(request, _("You are available.") if is_available else _("You take no new work for now."))
    return redirect("console:queue")

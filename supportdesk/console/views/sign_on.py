"""Single sign-on: naming one's workspace, coming back from its provider, and setting the provider up."""

from typing import Any
from urllib.parse import urlsplit

from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from supportdesk.accounts.models import SignOn
from supportdesk.accounts.provider import StrictAdapter, failed, sent_there
from supportdesk.accounts.proving import asked_of
from supportdesk.accounts.sign_on import save_sign_on
from supportdesk.console.asking import member_of, takes
from supportdesk.core.clients import client_network
from supportdesk.core.events import teammate
from supportdesk.core.models import Tenant
from supportdesk.core.permissions import allowed
from supportdesk.core.safe_http import NotSent, Refused, checked_address
from supportdesk.core.shared import counted

TRIES_A_MINUTE = 30
DOMAIN = r"^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$"


class SignOnForm(forms.ModelForm):  # type: ignore[type-arg]
    """The workspace's provider; its secret is written, never shown."""

    field_order = ("issuer", "client_id", "secret", "domains", "is_on", "required")
    secret = forms.CharField(label="Client secret", max_length=400, required=False, strip=True, widget=forms.PasswordInput)

    class Meta:
        model = SignOn
        fields = ("issuer", "client_id", "domains", "is_on", "required")

    def clean_issuer(self) -> str:
        """An address of the web that the outbound door lets through."""
        issuer = str(self.cleaned_data["issuer"]).strip()
        try:
            checked_address(issuer)
        except NotSent:
            pass
        except Refused as error:
            raise ValidationError(str(error)) from error
        if urlsplit(issuer).query or urlsplit(issuer).fragment:
            raise ValidationError("An issuer has no question mark and no #.")
        return issuer

    def clean_domains(self) -> str:
        """Whole domains in plain letters."""
        found = [each.strip().lower() for each in str(self.cleaned_data["domains"]).split(",") if each.strip()]
        for each in found:
            forms.RegexField(DOMAIN, error_messages={"invalid": f"“{each}” is no domain such as acme.example."}).clean(each)
        if not found:
            raise ValidationError("Name at least one domain.")
        return ", ".join(dict.fromkeys(found))


@never_cache
@require_http_methods(["GET", "POST"])
def begin(request: HttpRequest) -> HttpResponse:
    """Ask for the workspace's short name and go to its provider; a workspace without one is told like none."""
    if request.method == "POST":
        if counted(None, "sign-on", client_network(request), seconds=60) > TRIES_A_MINUTE:
            return failed(request)
        slug = request.POST.get("workspace", "").strip().lower()[:50]
        tenant = Tenant.objects.filter(slug=slug, is_active=True).first() if slug.isascii() and slug.isprintable() else None
        return sent_there(request, tenant, next_url=request.POST.get("next", ""))
    return render(request, "console/sign_on.html", {"next": request.GET.get("next", "")})


@never_cache
@require_GET
def back(request: HttpRequest, tenant: str) -> HttpResponse:
    """The provider sent somebody back."""
    try:
        view: Any = OAuth2CallbackView.adapter_view(StrictAdapter(request, tenant))
        response: HttpResponse = view(request)
    except (SocialApp.DoesNotExist, ValueError, TypeError, LookupError):
        return failed(request)
    return response


@require_POST
@allowed("profile.see")
@takes("next")
def prove(request: HttpRequest) -> HttpResponse:
    """Sign in at the provider anew, to prove who it is; for those who are asked for that and for nothing stronger."""
    if asked_of(request) != "sign_on":
        return redirect("console:prove")
    return sent_there(request, member_of(request).tenant, next_url=request.POST.get("next", ""), proves=True)


@sensitive_post_parameters("secret")
@never_cache
@require_http_methods(["GET", "POST"])
@allowed("sign_in.edit")
@takes("issuer", "client_id", "secret", "domains", "is_on", "required")
def settings_page(request: HttpRequest) -> HttpResponse:
    """Set the workspace's provider up."""
    member = member_of(request)
    row = SignOn.objects.first() or SignOn(tenant=member.tenant)
    was = row.issuer
    form = SignOnForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        save_sign_on(row=row, secret=form.cleaned_data["secret"], was=was, by=teammate(member))
        messages.success(request, "Single sign-on is saved.")
        return redirect("console:people")
    back_to = request.build_absolute_uri(reverse("console:sign_on_back", args=[member.tenant.slug]))
    context = {"form": form, "has_secret": bool(row.sealed_secret), "back_to": back_to, "member": member}
    return render(request, "console/sign_on_settings.html", context, status=422 if form.errors else 200)

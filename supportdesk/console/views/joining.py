"""Accepting an invitation: the link moves out of the address, then a new person sets name and password, a known one joins."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from supportdesk.accounts import invitations
from supportdesk.accounts.resets import UsedLink
from supportdesk.console.views.password import NewPasswordForm
from supportdesk.core.models import Tenant, User

IN_SESSION = "invitation"


class JoinForm(NewPasswordForm):
    """What a new person is called, and their password."""

    name = forms.CharField(max_length=120, error_messages={"required": "Enter your name."})

    def clean_name(self) -> str:
        """On one line."""
        return " ".join(str(self.cleaned_data["name"]).split())


@require_GET
@never_cache
def join(request: HttpRequest, tenant: str, token: str) -> HttpResponse:
    """The mail's link: the token moves into the session, so that no page's address and no Referer holds it."""
    request.session[IN_SESSION] = [tenant[:50], token[:64]]
    response = redirect("console:joining")
    response["Referrer-Policy"] = "no-referrer"
    return response


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@never_cache
def join_page(request: HttpRequest) -> HttpResponse:
    """What they are invited to; accepting it."""
    tenant, token = _kept(request)
    row = invitations.found(tenant=tenant, token=token)
    if row is None or tenant is None:
        return _gone(request)
    person = User.objects.filter(email=row.email).first()
    me = request.user if isinstance(request.user, User) else None
    form = JoinForm(request.POST or None, user=User(email=row.email, name=request.POST.get("name", "")[:120])) if person is None else None
    is_theirs = person is not None and me is not None and me.pk == person.pk
    if request.method == "POST" and (is_theirs or (form is not None and form.is_valid())):
        given = form.cleaned_data if form is not None else {}
        try:
            member = invitations.accept(tenant=tenant, token=token, user=me, name=given.get("name", ""), password=given.get("password", ""))
        except UsedLink:
            return _gone(request)
        except invitations.SignInFirst:
            return redirect("console:joining")
        return _arrived(request, member, is_new=form is not None)
    context: dict[str, Any] = {
        "invitation": row,
        "tenant": tenant,
        "form": form,
        "is_theirs": is_theirs,
        "me": me,
        "sign_in": f"{reverse('console:sign_in')}?{urlencode({'next': reverse('console:joining')})}",
    }
    return render(request, "console/join.html", context, status=422 if form is not None and form.errors else 200)


def _arrived(request: HttpRequest, member: Any, *, is_new: bool) -> HttpResponse:
    request.session.pop(IN_SESSION, None)
    if is_new:
        if request.user.is_authenticated:
            request.session.flush()
        messages.success(request, "Your account is ready. Sign in with your password.")
        return redirect("console:sign_in")
    request.session["membership"] = member.pk
    messages.success(request, f"You work in {member.tenant.name} now.")
    return redirect("console:queue")


def _kept(request: HttpRequest) -> tuple[Tenant | None, str]:
    kept = request.session.get(IN_SESSION)
    slug, token = kept if isinstance(kept, list) and len(kept) == 2 else ("", "")
    return Tenant.objects.filter(slug=slug, is_active=True).first(), str(token)


def _gone(request: HttpRequest) -> HttpResponse:
    request.session.pop(IN_SESSION, None)
    return render(request, "console/join_gone.html", status=410)

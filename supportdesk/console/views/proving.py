"""The page that asks again who it is, when something sensitive is next."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from supportdesk.console.asking import takes
from supportdesk.core.permissions import allowed
from supportdesk.core.stepup import ask, check_proof, safe_next


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@never_cache
@allowed("profile.see")
@takes()
def prove(request: HttpRequest) -> HttpResponse:
    """Ask, check, and go back to where it was needed."""
    wanted = safe_next(request, request.GET.get("next", ""))
    fault = ""
    if request.method == "POST":
        fault = check_proof(request)
        if not fault:
            return redirect(wanted)
    return ask(request, action=f"{reverse('console:prove')}?{urlencode({'next': wanted})}", fault=fault)

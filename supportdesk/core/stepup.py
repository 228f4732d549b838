"""Sensitive steps ask again who it is: a session proves it for ten minutes, by signing in or by answering this page.

The page posts to where the request was going, with everything that was posted before and the proof beside it, so nothing typed is lost.
"""

import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_variables

from supportdesk.core.same_page import FIELD

PROOF_SECONDS = 600
PROVED_AT, PROOF_FIELD = "proved_at", "step-up-proof"
# Checks a proof: an empty sentence when it holds, else why not. `supportdesk.accounts` puts it in place when it starts.
Prover = Callable[[HttpRequest, str], str]
Question = Callable[[HttpRequest], str]
_ways: list[tuple[Prover, Question]] = []


def prove_with(prover: Prover, question: Question) -> None:
    """Say how a proof is checked, and what is asked for: `password`, `code`, or `sign_on` at the identity provider."""
    _ways[:] = [(prover, question)]


def mark_proved(session: SessionBase) -> None:
    """The session's person proved who they are, now."""
    session[PROVED_AT] = time.time()


def is_proved(request: HttpRequest) -> bool:
    """Whether the session's person proved who they are at most ten minutes ago."""
    at = request.session.get(PROVED_AT)
    return isinstance(at, int | float) and 0 <= time.time() - at <= PROOF_SECONDS


@sensitive_variables("proof")
def check_proof(request: HttpRequest) -> str:
    """Take the proof that was posted: an empty sentence when it holds, else why not."""
    proof = request.POST.get(PROOF_FIELD, "")
    fault = _ways[0][0](request, proof) if _ways and proof else "Enter it to go on."
    if not fault:
        mark_proved(request.session)
    return fault


def demand_proof(request: HttpRequest) -> HttpResponse | None:
    """None when who it is was proved lately, else the answer that asks again."""
    if is_proved(request):
        return None
    if request.headers.get("HX-Request") == "true":
        away = HttpResponse(status=204)
        away["HX-Redirect"] = f"{reverse('console:prove')}?{urlencode({'next': came_from(request)})}"
        return away
    if request.method != "POST":
        return HttpResponseRedirect(f"{reverse('console:prove')}?{urlencode({'next': request.get_full_path()})}")
    fault = ""
    if PROOF_FIELD in request.POST:
        fault = check_proof(request)
        if not fault:
            return None
    return ask(request, action=request.get_full_path(), fault=fault)


def ask(request: HttpRequest, *, action: str, fault: str = "") -> HttpResponse:
    """The page that asks, carrying what was posted; 403 when it stands in a request's way."""
    kept = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in (PROOF_FIELD, FIELD, "csrfmiddlewaretoken")
        for value in values
        if isinstance(value, str)
    ]
    asked = _ways[0][1](request) if _ways else "password"
    # Whoever proves it elsewhere comes back to a page, not to what was posted.
    back = safe_next(request, parse_qs(urlsplit(action).query).get("next", [""])[0]) if request.method == "GET" else came_from(request)
    context = {"action": action, "kept": kept, "fault": fault, "asked": asked, "field": PROOF_FIELD, "back": back}
    status = 422 if fault else 403 if request.method == "POST" else 200
    response = render(request, "console/prove.html", context, status=status)
    # What was posted may hold a secret; no cache keeps the page.
    response["Cache-Control"] = "no-store"
    return response


def came_from(request: HttpRequest) -> str:
    """The page of ours that the request was sent from, or the console."""
    parts = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "")
    return safe_next(request, parts.path + (f"?{parts.query}" if parts.query else ""))


def safe_next(request: HttpRequest, path: str) -> str:
    """The path if it leads nowhere but here, else the console's first page."""
    is_safe = path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts={request.get_host()})
    return path if is_safe else reverse("console:queue")
